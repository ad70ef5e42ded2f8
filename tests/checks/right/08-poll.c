/* Right, in C: one thread, sockets that never block, and poll(2). The server counts bytes and
   keeps none; the client's message is one block, sent as often as it takes. IPv4 only. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 4000   /* sessions at a time; a server's next ones wait in the listener's queue */
#define PATIENCE 60 /* seconds for all sessions of a burst */

static char block[65536];
static struct pollfd polled[MOST + 1];

static void never_block(int sock)
{
    fcntl(sock, F_SETFL, fcntl(sock, F_GETFL) | O_NONBLOCK);
}

/* The last call has not failed: it has nothing to do now. */
static int later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static struct client {
    unsigned long long count;
    char text[100]; /* the intro, and behind it the answer */
    size_t length, said;
    int has_ended;
} clients[MOST];

/* Does what can be done now; 0 if nothing is left to do. */
static int serve(struct client *c, struct pollfd *p)
{
    if (!c->has_ended) {
        ssize_t got = recv(p->fd, block, sizeof block, 0);
        if (got < 0 && !later())
            return 0;
        if (got > 0)
            c->count += (size_t)got;
        c->has_ended = got == 0;
        if (c->has_ended)
            c->length += (size_t)sprintf(c->text + c->length, "received %llu bytes\n", c->count);
    }
    ssize_t sent = send(p->fd, c->text + c->said, c->length - c->said, 0);
    if (sent < 0 && !later())
        return 0;
    if (sent > 0)
        c->said += (size_t)sent;
    p->events = (c->has_ended ? 0 : POLLIN) | (c->said < c->length ? POLLOUT : 0);
    return p->events != 0;
}

static int server(const struct addrinfo *here)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1, count = 0, resting = 0;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, here->ai_addr, here->ai_addrlen) < 0 || listen(listener, 1000) < 0)
        return perror("listen"), 1;
    never_block(listener);
    for (;;) {
        int door = resting || count == MOST ? -1 : listener;
        polled[count] = (struct pollfd){.fd = door, .events = POLLIN};
        if (poll(polled, (nfds_t)count + 1, resting ? 100 : -1) < 0)
            continue;
        int knocks = polled[count].revents != 0;
        /* From the end, so that who is moved to an empty place has had its turn. */
        for (int i = count - 1; i >= 0; i--)
            if (polled[i].revents != 0 && !serve(&clients[i], &polled[i])) {
                close(polled[i].fd);
                polled[i] = polled[--count];
                clients[i] = clients[count];
            }
        int sock = knocks ? accept(listener, NULL, NULL) : -1;
        resting = knocks && sock < 0; /* it would fail again at once */
        if (resting)
            perror("accept");
        if (sock < 0)
            continue;
        never_block(sock);
        clients[count] = (struct client){.text = "Hello. What have you got to say?\n"};
        clients[count].length = strlen(clients[count].text);
        polled[count++] = (struct pollfd){.fd = sock, .events = POLLIN | POLLOUT};
    }
}

static struct session {
    enum { WAITING, SENDING, LISTENING } step;
    unsigned long long left;
    char heard[64]; /* the last of it */
} sessions[MOST];

enum outcome { GOES_ON, SERVED, FAILED };

static enum outcome failed(const char *why)
{
    fprintf(stderr, "a session failed: %s\n", why);
    return FAILED;
}

/* The rest of an intro may stand before the answer, and white space behind it. */
static int ends_with(const struct session *s, const char *answer)
{
    size_t wanted = strlen(answer), length = sizeof s->heard;
    while (length > wanted && isspace((unsigned char)s->heard[length - 1]))
        length--;
    return memcmp(s->heard + length - wanted, answer, wanted) == 0;
}

static enum outcome go_on(struct session *s, struct pollfd *p, const char *answer)
{
    char come[4096];
    ssize_t got = recv(p->fd, come, sizeof come, 0); /* says too if connect() has failed */
    if (got < 0 && !later())
        return failed(strerror(errno));
    if (got == 0 && s->step == LISTENING && ends_with(s, answer))
        return SERVED;
    if (got == 0)
        return failed("wrong answer");
    for (ssize_t i = 0; i < got; i++) {
        memmove(s->heard, s->heard + 1, sizeof s->heard - 1);
        s->heard[sizeof s->heard - 1] = come[i];
    }
    if (s->step == WAITING && got > 0)
        s->step = SENDING;
    if (s->step == SENDING) {
        ssize_t sent = send(p->fd, block, s->left < sizeof block ? s->left : sizeof block, 0);
        if (sent < 0 && !later())
            return failed(strerror(errno));
        if (sent > 0)
            s->left -= (size_t)sent;
        if (s->left == 0) {
            shutdown(p->fd, SHUT_WR);
            s->step = LISTENING;
            memset(s->heard, 0, sizeof s->heard); /* no answer comes before this */
        }
    }
    p->events = s->step == SENDING ? POLLIN | POLLOUT : POLLIN;
    return GOES_ON;
}

/* How many of them are served. All connect before anything else is done. */
static int burst(const struct addrinfo *to, int count, unsigned long long bytes)
{
    char answer[64];
    int open = 0, served = 0;
    struct timespec now;
    sprintf(answer, "received %llu bytes", bytes);
    for (int i = 0; i < count; i++) {
        int sock = socket(AF_INET, SOCK_STREAM, 0);
        if (sock >= 0)
            never_block(sock);
        if (sock < 0 || (connect(sock, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS)) {
            failed(strerror(errno));
            close(sock);
            continue;
        }
        sessions[open] = (struct session){.left = bytes};
        polled[open++] = (struct pollfd){.fd = sock, .events = POLLOUT};
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (time_t until = now.tv_sec + PATIENCE; open > 0 && now.tv_sec < until;) {
        int ready = poll(polled, (nfds_t)open, 1000);
        clock_gettime(CLOCK_MONOTONIC, &now);
        for (int i = open - 1; i >= 0 && ready > 0; i--) {
            if (polled[i].revents == 0)
                continue;
            enum outcome outcome = go_on(&sessions[i], &polled[i], answer);
            if (outcome == GOES_ON)
                continue;
            served += outcome == SERVED;
            close(polled[i].fd);
            polled[i] = polled[--open];
            sessions[i] = sessions[open];
        }
    }
    for (; open > 0; close(polled[--open].fd))
        failed("timed out");
    return served;
}

int main(int argc, char **argv)
{
    const char *counts = "10,20,50,100,200,500,1000";
    unsigned long long bytes = 100000;
    struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int serves = argc == 3 && strcmp(argv[1], "server") == 0, failures = 0, words = 3;
    for (; words + 1 < argc; words += 2) {
        if (strcmp(argv[words], "--clients") == 0)
            counts = argv[words + 1];
        else if (strcmp(argv[words], "--message-bytes") == 0)
            bytes = strtoull(argv[words + 1], NULL, 10);
        else
            break;
    }
    if (argc != words)
        return fputs("usage: 08-poll server PORT | HOST PORT [--clients N] [--message-bytes N]\n",
                     stderr), 2;
    signal(SIGPIPE, SIG_IGN);
    if (getaddrinfo(serves ? "127.0.0.1" : argv[1], argv[2], &wanted, &found) != 0)
        return fprintf(stderr, "08-poll: who is %s?\n", argv[1]), 1;
    if (serves)
        return server(found);
    for (; *counts != '\0'; counts += strcspn(counts, ","), counts += *counts == ',') {
        int count = atoi(counts);
        if (count < 1 || count > MOST)
            return fprintf(stderr, "08-poll: from 1 to %d clients\n", MOST), 2;
        int served = burst(found, count, bytes);
        printf("%d of %d sessions were served\n", served, count);
        fflush(stdout);
        failures += count - served;
    }
    return failures > 0;
}
