/*
 * dns_server - how a setting names a DNS server.  Pure.
 */
#ifndef MILTER_DNS_SERVER_H
#define MILTER_DNS_SERVER_H

/*
 * Checks "ADDRESS" or "ADDRESS@PORT": "192.0.2.53", "::1@5353", "fe80::1%eth0".
 * Returns NULL, or what is wrong with the text.
 */
const char *dns_server_check(const char *text);

#endif
