/* Right, in C: getline(), a loop around send(), a block of an odd size. IPv4 only. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(const char *host, const char *port)
{
    struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, port, &wanted, &found) != 0)
        return -1;
    int sock = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (sock >= 0 && connect(sock, found->ai_addr, found->ai_addrlen) != 0)
        sock = -1;
    freeaddrinfo(found);
    return sock;
}

static int send_all(int sock, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(sock, bytes, length, 0);
        if (sent < 0)
            return -1;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char *line = NULL, block[777];
    size_t size = 0;
    if (argc != 3)
        return 2;
    int sock = connect_to(argv[1], argv[2]);
    if (sock < 0)
        return perror("connect"), 1;
    if (getline(&line, &size, stdin) < 0)
        return fputs("no line\n", stderr), 1;
    line[strcspn(line, "\r\n")] = '\0';
    if (send_all(sock, line, strlen(line)) < 0 || send_all(sock, "\r\n", 2) < 0)
        return perror("send"), 1;
    for (ssize_t length; (length = recv(sock, block, sizeof block, 0)) != 0;) {
        if (length < 0)
            return perror("recv"), 1;
        fwrite(block, 1, (size_t)length, stdout);
        fflush(stdout);
    }
    free(line);
    return 0;
}
