#include "milter/metrics.h"

int metrics_check(const struct conf *conf, struct problems *problems)
{
    return metrics_open(conf, problems);
}

int metrics_open(const struct conf *conf, struct problems *problems)
{
    if (*conf->metrics_listen == '\0')
        return 0;
    problems_add(problems, conf->path, conf_line(conf, "metrics_listen"),
                 "metrics_listen: this bvmilter was built without libmicrohttpd: it must be empty, or bvmilter "
                 "be built again where libmicrohttpd-dev is installed");
    return -1;
}

int metrics_start(void)
{
    return 0;
}

void metrics_stop(void)
{
}
