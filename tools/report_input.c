#include "tools/report_input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/args.h"

enum { BROKEN_NAMED = 5, PROGRESS_LINES = 1 << 16, HEAD = 18 };

static const char too_long[] = "it is longer than any line that the daemon writes";

static void clear_progress(struct report_input *in)
{
    if (in->shown > 0)
        fputs("\r\033[K", stderr);
}

/* At most once a second, and not before the first second has passed. */
static void show_progress(struct report_input *in)
{
    int64_t now;

    if (!in->shows_progress || in->line % PROGRESS_LINES != 0 || tool_now(&now, NULL) != 0)
        return;
    if (in->shown == 0)
        in->shown = -now;
    if (now <= (in->shown < 0 ? -in->shown : in->shown))
        return;
    in->shown = now;
    fprintf(stderr, "\r%s: ", in->name);
    if (in->size > 0)
        fprintf(stderr, "%" PRIu64 "%%, ",
                (in->reader.octets < in->size ? in->reader.octets : in->size) * 100 / in->size);
    fprintf(stderr, "%.1f million lines\033[K", (double)in->line / 1e6);
}

static void count_line(struct report_input *in, const struct report_line *line, uint64_t number)
{
    if (line->kind == REPORT_BROKEN && in->broken++ < BROKEN_NAMED) {
        clear_progress(in);
        tool_say("%s:%" PRIu64 ": a line of the daemon that cannot be read: %s", in->name, number, line->why);
    }
    report_tally_add(in->tally, line, report_clock_time(&in->clock, &line->stamp));
}

/* Nothing stands in front of a line, or something in front of each: what has no time among those that have, is not ours. */
static void read_line(struct report_input *in, struct report_line *line, struct bv_str text, bool cut)
{
    report_line_read(line, text);
    if (line->stamp.kind != REPORT_STAMP_NONE || line->kind != REPORT_FOREIGN)
        in->framed = true;
    else if (!in->framed && !cut)
        report_line_bare(line, text);
    if (line->kind == REPORT_FOREIGN && !in->mentioned && text.n > 0)
        in->mentioned = memmem(text.p, text.n, "bvmilter", 8) != NULL;
}

static void take_line(struct report_input *in, struct bv_str text, bool cut)
{
    struct report_line line;

    if (text.n > 0 && text.p[0] == '{') {
        in->entry = (struct report_entry){.timed = false};
        report_entry_json(&in->entry, text);
        report_entry_line(&line, &in->entry);
    } else {
        read_line(in, &line, text, cut);
    }
    if (cut && line.kind != REPORT_FOREIGN) {
        line.kind = REPORT_BROKEN;
        line.why = too_long;
    }
    count_line(in, &line, in->line);
}

static int read_lines(struct report_input *in)
{
    struct bv_str text;
    bool cut;
    int result;

    while ((result = report_reader_line(&in->reader, &text, &cut)) > 0) {
        in->line++;
        take_line(in, text, cut);
        show_progress(in);
    }
    return result;
}

/* A field whose value may hold newlines: its name, its length in 8 octets, little-endian, and the value. */
static int read_binary_field(struct report_input *in, struct bv_str name)
{
    char kept[32];
    struct bv_str text, field = {kept, name.n < sizeof kept ? name.n : 0};
    uint64_t length = 0;
    bool cut;

    memcpy(kept, name.p, field.n);
    int result = report_reader_octets(&in->reader, &text, 8);
    if (result <= 0)
        return result;
    for (size_t i = 8; i > 0; i--)
        length = length << 8 | (unsigned char)text.p[i - 1];
    result = report_reader_octets(&in->reader, &text, length);
    if (result <= 0)
        return result;
    report_entry_field(&in->entry, field, text);
    return report_reader_line(&in->reader, &text, &cut);
}

static void end_entry(struct report_input *in, uint64_t number)
{
    struct report_line line;

    if (in->entry.identifier_n == 0 && !in->entry.timed)
        return;
    report_entry_line(&line, &in->entry);
    count_line(in, &line, number);
    in->entry = (struct report_entry){.timed = false};
}

/* "journalctl -o export": fields line by line, an empty line behind each entry. */
static int read_export(struct report_input *in)
{
    struct bv_str text;
    uint64_t first = 1;
    bool cut;
    int result;

    in->entry = (struct report_entry){.timed = false};
    while ((result = report_reader_line(&in->reader, &text, &cut)) > 0) {
        const char *mark = text.n > 0 ? memchr(text.p, '=', text.n) : NULL;
        in->line++;
        if (text.n == 0) {
            end_entry(in, first);
            first = in->line + 1;
        } else if (mark == NULL) {
            if ((result = read_binary_field(in, text)) <= 0)
                break;
        } else {
            size_t n = (size_t)(mark - text.p);
            report_entry_field(&in->entry, (struct bv_str){text.p, n},
                               (struct bv_str){mark + 1, text.n - n - 1});
        }
        show_progress(in);
    }
    end_entry(in, first);
    return result;
}

/* What the file is packed with, and what to do about it; NULL: it is a text. */
static const char *packed(struct bv_str head)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *what;
    } kinds[] = {
        {"\x1f\x8b", 2, "it is packed with gzip; give it as: zcat FILE | bvreport"},
        {"\xfd"
         "7zXZ",
         5, "it is packed with xz; give it as: xzcat FILE | bvreport"},
        {"\x28\xb5\x2f\xfd", 4, "it is packed with zstd; give it as: zstdcat FILE | bvreport"},
        {"BZh", 3, "it is packed with bzip2; give it as: bzcat FILE | bvreport"},
        {"LPKSHHRH", 8, "it is a journal file; give it as: journalctl --file FILE -o export | bvreport"}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (head.n >= kinds[i].n && memcmp(head.p, kinds[i].magic, kinds[i].n) == 0)
            return kinds[i].what;
    return NULL;
}

static bool is_export(struct bv_str head)
{
    return (head.n >= 9 && memcmp(head.p, "__CURSOR=", 9) == 0) ||
           (head.n >= 11 && memcmp(head.p, "__REALTIME_", 11) == 0);
}

static int read_all(struct report_input *in)
{
    struct stat st;
    struct bv_str head;
    int64_t now = 0;
    int fd = in->reader.fd;

    if (fstat(fd, &st) != 0 || report_reader_peek(&in->reader, &head, HEAD) != 0) {
        tool_say("%s: %s", in->name, strerror(errno));
        return -1;
    }
    const char *what = packed(head);
    if (what != NULL) {
        tool_say("%s: %s", in->name, what);
        return -1;
    }
    tool_now(&now, NULL);
    in->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    report_clock_init(&in->clock, S_ISREG(st.st_mode) ? (int64_t)st.st_mtime : now);
    int result = is_export(head) ? read_export(in) : read_lines(in);
    int error = errno;
    clear_progress(in);
    if (result < 0)
        tool_say("%s:%" PRIu64 ": %s", in->name, in->line + 1, strerror(error));
    return result;
}

int report_input_file(struct report_input *in, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    in->name = standard ? "standard input" : path;
    in->line = in->size = 0;
    in->framed = false;
    in->shown = 0;
    if (fd < 0) {
        tool_say("%s: %s", in->name, strerror(errno));
        return -1;
    }
    report_reader_init(&in->reader, fd);
    int result = read_all(in);
    if (!standard)
        close(fd);
    return result;
}

void report_input_end(const struct report_input *in)
{
    if (in->broken > BROKEN_NAMED)
        tool_say("%" PRIu64 " more lines of the daemon that cannot be read", in->broken - BROKEN_NAMED);
}
