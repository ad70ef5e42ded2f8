/* Right, in C: one thread, and poll() on the keyboard and the network together. Both are heard
   at any time; what comes early waits in a buffer until its turn. Messages are lines. */
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LINE 65536

/* Where lines come from, and what it has brought that is not handed on yet. */
struct source {
    int fd, ended;
    size_t length;
    char bytes[MAX_LINE];
};

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0)
            return -1;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

/* A source that is full rests: its sender waits, and our memory has an end. */
static int rests(const struct source *from)
{
    return from->ended || from->length == MAX_LINE;
}

static void hear(struct source *from)
{
    ssize_t got = read(from->fd, from->bytes + from->length, MAX_LINE - from->length);
    if (got > 0) {
        from->length += (size_t)got;
        return;
    }
    from->ended = 1;
    /* A user may end the input behind a last line without a line end; it is whole all the same. */
    if (from->fd == 0 && from->length > 0 && from->bytes[from->length - 1] != '\n')
        from->bytes[from->length++] = '\n';
}

/* Waits until this source has a whole line, and returns how long it is, its end included. 0: no
   whole line can come any more. */
static size_t await_line(struct source *wanted, struct source *other)
{
    for (;;) {
        const char *end = memchr(wanted->bytes, '\n', wanted->length);
        if (end != NULL)
            return (size_t)(end - wanted->bytes) + 1;
        if (rests(wanted))
            return 0;
        /* poll() passes over -1: else an end, which it tells again each time, would wake us. */
        struct pollfd asked[2] = {{.fd = wanted->fd, .events = POLLIN},
                                  {.fd = rests(other) ? -1 : other->fd, .events = POLLIN}};
        if (poll(asked, 2, -1) < 0)
            continue;
        if (asked[0].revents != 0)
            hear(wanted);
        if (asked[1].revents != 0)
            hear(other);
    }
}

/* One conversation. True: another one can follow, because there is still a user to talk to. */
static int talk(int sock, struct source *keyboard, int ours)
{
    struct source network = {.fd = sock};
    for (;; ours = !ours) {
        struct source *from = ours ? keyboard : &network;
        size_t length = await_line(from, ours ? &network : keyboard);
        int blank = ours && length == 1;
        if (length == 0 && from->length > 0)
            fputs("a message is too long, or cut off\n", stderr);
        if (length == 0)
            return !ours;
        if (!blank && write_all(ours ? sock : 1, from->bytes, length) < 0)
            return ours;
        from->length -= length;
        memmove(from->bytes, from->bytes + length, from->length);
        if (blank)
            return 1;
    }
}

static int serve(int sock, const struct addrinfo *here, struct source *keyboard)
{
    int yes = 1, more = 1;
    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(sock, here->ai_addr, here->ai_addrlen) != 0 || listen(sock, 5) != 0)
        return perror("listen"), 1;
    while (more) {
        int client = accept(sock, NULL, NULL);
        if (client < 0) {
            perror("accept");
            sleep(1); /* it may fail again at once */
            continue;
        }
        more = talk(client, keyboard, 0);
        close(client);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct source keyboard;
    struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    if (argc != 3)
        return 2;
    int serving = strcmp(argv[1], "server") == 0;
    if (getaddrinfo(serving ? "0.0.0.0" : argv[1], argv[2], &wanted, &found) != 0)
        return fputs("no such address\n", stderr), 1;
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGPIPE, SIG_IGN);
    if (serving)
        return serve(sock, found, &keyboard);
    if (connect(sock, found->ai_addr, found->ai_addrlen) != 0)
        return perror("connect"), 1;
    talk(sock, &keyboard, 1);
    return 0;
}
