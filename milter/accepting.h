/*
 * accepting - takes new connections: for libmilter and libmicrohttpd, to whom
 * the dynamic linker gives accept() and accept4() of ours, and for the map.
 */
#ifndef MILTER_ACCEPTING_H
#define MILTER_ACCEPTING_H

/*
 * As accept4(fd, NULL, NULL, flags) of the C library: it never rests, and says
 * nothing.  For a thread that has more to do.
 */
int accepting_at_once(int fd, int flags);

#endif
