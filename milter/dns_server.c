#include "milter/dns_server.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "milter/net.h"

enum { PORT_MAX = 65535 };

const char *dns_server_check(const char *text)
{
    unsigned char octets[NET_OCTETS];
    char address[NET_TEXT];
    size_t n = strcspn(text, "%@");
    const char *port = strchr(text, '@');
    char *end = NULL;

    if (n >= sizeof address)
        return "is no address of a DNS server";
    memcpy(address, text, n);
    address[n] = '\0';
    if (inet_pton(AF_INET6, address, octets) != 1 &&
        (text[n] == '%' || inet_pton(AF_INET, address, octets) != 1))
        return "is no address of a DNS server: 192.0.2.53, 192.0.2.53@5353 or ::1";
    if (port == NULL)
        return NULL;
    unsigned long number = strtoul(port + 1, &end, 10);
    if (port[1] < '0' || port[1] > '9' || *end != '\0' || number == 0 || number > PORT_MAX)
        return "has no port from 1 to 65535 behind its @";
    return NULL;
}
