/* Chapter 6 in C: a process for each client; blocking calls, no thread.
 *
 *     06-processes encoder|decoder PORT
 *     06-processes HOST PORT
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT (4u << 20)

/* Reads exactly n bytes; 0 if the other side closed before. */
static int read_all(int fd, void *to, size_t n)
{
    char *at = to;
    while (n > 0) {
        ssize_t got = read(fd, at, n);
        if (got <= 0)
            return 0;
        at += got;
        n -= (size_t)got;
    }
    return 1;
}

static int write_all(int fd, const void *from, size_t n)
{
    const char *at = from;
    while (n > 0) {
        ssize_t put = write(fd, at, n);
        if (put <= 0)
            return 0;
        at += put;
        n -= (size_t)put;
    }
    return 1;
}

/* Reads one frame into memory of its own, ended by a NUL; NULL at the end of the session. */
static char *read_frame(int fd, uint32_t *length)
{
    if (!read_all(fd, length, 4))
        return NULL;
    *length = ntohl(*length);
    if (*length == 0 || *length > LIMIT)
        return NULL;
    char *body = malloc(*length + 1);
    if (body == NULL || !read_all(fd, body, *length)) {
        free(body);
        return NULL;
    }
    body[*length] = '\0';
    return body;
}

static int write_frame(int fd, const char *body, size_t length)
{
    uint32_t head = htonl((uint32_t)length);
    return write_all(fd, &head, 4) && write_all(fd, body, length);
}

static char *encode(const char *body, uint32_t length, size_t *answer_length)
{
    char *answer = malloc(9 * (size_t)length + 1), *at = answer;
    for (uint32_t i = 0; answer != NULL && i < length; i++) {
        for (int bit = 7; bit >= 0; bit--)
            *at++ = ((unsigned char)body[i] >> bit & 1) ? '1' : '0';
        *at++ = ' ';
    }
    *answer_length = (size_t)(at - answer);
    return answer;
}

static char *decode(char *body, uint32_t length, size_t *answer_length)
{
    static const char error[] = "error: no binary digits";
    char *answer = malloc(length + sizeof error), *at = answer, *end;
    for (char *group = strtok(body, " \t\r\n"); answer && group; group = strtok(NULL, " \t\r\n")) {
        unsigned long byte = strtoul(group, &end, 2);
        if (*end != '\0' || byte > 255) {
            at = stpcpy(answer, error);
            break;
        }
        *at++ = (char)byte;
    }
    *answer_length = (size_t)(at - answer);
    return answer;
}

static void serve(int client, int decoding)
{
    uint32_t length;
    char *body;
    while ((body = read_frame(client, &length)) != NULL) {
        size_t answer_length;
        char *answer = decoding ? decode(body, length, &answer_length)
                                : encode(body, length, &answer_length);
        int ok = answer != NULL && write_frame(client, answer, answer_length);
        free(body);
        free(answer);
        if (!ok)
            return;
    }
}

static int server(int port, int decoding)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("bind");
        return 1;
    }
    listen(listener, 5);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        if (fork() == 0) {
            close(listener);
            serve(client, decoding);
            _exit(0);
        }
        close(client);
    }
}

static int client(const char *host, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("connect");
        return 1;
    }
    char line[65536];
    while (printf("text> "), fflush(stdout), fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0')
            break;
        uint32_t length;
        char *answer = NULL;
        if (!write_frame(fd, line, strlen(line)) || (answer = read_frame(fd, &length)) == NULL) {
            fprintf(stderr, "the server is gone\n");
            return 1;
        }
        printf("%s\n", answer);
        free(answer);
    }
    write_frame(fd, "", 0);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "encoder") == 0)
        return server(atoi(argv[2]), 0);
    if (strcmp(argv[1], "decoder") == 0)
        return server(atoi(argv[2]), 1);
    return client(argv[1], atoi(argv[2]));
}
