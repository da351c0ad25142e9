/*
 * metrics_parts - what the files of the metrics share; private to them.
 */
#ifndef MILTER_METRICS_PARTS_H
#define MILTER_METRICS_PARTS_H

#include <stdbool.h>

#include "milter/conf.h"
#include "milter/metrics_view.h"

/* ---- metrics_socket.c ---- */

/* A listening, non-blocking socket; any_port: at the same address, with a port that is free. -1 with *problems filled. */
int metrics_socket(const struct conf *conf, bool any_port, struct problems *problems);

/* ---- metrics_answer.c ---- */

/* An answer to a request. */
struct metrics_answer {
    unsigned status;
    const char *type; /* of its content */
    bool page;        /* for a browser */
    char *text;       /* to be freed; NULL: no memory for all of it, and there is no answer */
    size_t length;
};

void metrics_answer(struct metrics_answer *out, const char *method, const char *path);

/* ---- the parts of the page ---- */

void metrics_put_head(FILE *f);                                /* metrics_style.c; up to <body> */
void metrics_put_hours(FILE *f, const struct metrics_view *v); /* metrics_chart.c */
void metrics_put_keys(FILE *f, const struct metrics_view *v);  /* metrics_keys.c */
void metrics_put_when(FILE *f, int64_t time);                  /* metrics_page.c: "2026-11-21 12:00", or "-" */

#endif
