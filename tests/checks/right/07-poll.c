/* Right, in C: one thread and poll(2), and for each member a buffer of what it has not taken yet.
   Who lets it run full is dropped; nobody waits for anybody. IPv4 only. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINE 4096       /* bytes of a line */
#define NAME 32         /* and of a name */
#define WAITING 1000000 /* bytes that may wait for a member */
#define ROOM 500        /* members at a time; the next ones wait in the listener's queue */

struct member {
    int sock, gone;
    char name[NAME + 1]; /* empty until it has given one */
    char line[LINE + 2]; /* the beginning of its next line; one byte more is too much */
    size_t length, waiting;
    char out[WAITING];
} *members[ROOM];
static int present;

static void never_block(int sock)
{
    fcntl(sock, F_SETFL, fcntl(sock, F_GETFL) | O_NONBLOCK);
}

/* The last call has not failed: it has nothing to do now. */
static int later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void flush(struct member *m)
{
    ssize_t sent = send(m->sock, m->out, m->waiting, 0);
    if (sent < 0) {
        m->gone = m->gone || !later();
        return;
    }
    m->waiting -= (size_t)sent;
    memmove(m->out, m->out + sent, m->waiting);
}

/* Nobody is taken off the list here: somebody may be walking it. */
static void tell(struct member *m, const char *line)
{
    size_t length = strlen(line);
    if (length > WAITING - m->waiting)
        flush(m);
    if (length > WAITING - m->waiting)
        m->gone = 1;
    if (m->gone)
        return;
    memcpy(m->out + m->waiting, line, length);
    m->waiting += length;
}

static void tell_all(const char *line, const struct member *but)
{
    for (int i = 0; i < present; i++)
        if (members[i]->name[0] != '\0' && members[i] != but)
            tell(members[i], line);
}

static void news(const char *name, const char *what)
{
    char line[200], clock[10];
    time_t now = time(NULL);
    int count = 0;
    for (int i = 0; i < present; i++)
        count += members[i]->name[0] != '\0';
    strftime(clock, sizeof clock, "%H.%M", localtime(&now));
    snprintf(line, sizeof line, "Server: time=%s %s has %s. Member count=%d\n", clock, name, what,
             count);
    tell_all(line, NULL);
}

static int is_free(const char *name)
{
    for (int i = 0; i < present; i++)
        if (strcmp(members[i]->name, name) == 0)
            return 0;
    return strlen(name) <= NAME && strchr(name, ':') == NULL && strcmp(name, "Server") != 0;
}

static void hear(struct member *m)
{
    char said[sizeof m->name + sizeof m->line + 4];
    if (m->length > LINE) {
        tell(m, "Server: line too long\n");
    } else if (strcmp(m->line, "quit") == 0) {
        m->gone = 1;
    } else if (m->name[0] != '\0') {
        snprintf(said, sizeof said, "%s: %s\n", m->name, m->line);
        if (m->length > 0)
            tell_all(said, m);
    } else if (is_free(m->line)) { /* the empty one is not: this member has it */
        strcpy(m->name, m->line);
        news(m->name, "joined");
    } else {
        tell(m, "Server: this one is in use, or is no name\n");
    }
}

static void read_from(struct member *m)
{
    unsigned char block[LINE];
    ssize_t got = recv(m->sock, block, sizeof block, 0);
    if (got == 0 || (got < 0 && !later()))
        m->gone = 1;
    for (ssize_t i = 0; i < got && !m->gone; i++) {
        if (block[i] == '\n') {
            m->line[m->length] = '\0';
            hear(m);
            m->length = 0;
        } else if (block[i] >= ' ' && block[i] != 0x7f && m->length <= LINE) {
            m->line[m->length++] = (char)block[i];
        }
    }
}

static void see_off(void)
{
    for (int i = 0; i < present; i++) {
        struct member *m = members[i];
        if (!m->gone)
            continue;
        members[i] = members[--present];
        flush(m);
        close(m->sock);
        if (m->name[0] != '\0')
            news(m->name, "left");
        free(m);
        i = -1; /* the news may have been too much for somebody else */
    }
}

static int let_in(int sock)
{
    int yes = 1;
    struct member *m = sock < 0 ? NULL : calloc(1, sizeof *m);
    if (m == NULL)
        return perror("accept"), close(sock), 0;
    never_block(sock);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* lines are short */
    m->sock = sock;
    members[present++] = m;
    return 1;
}

static int server(int listener, const struct sockaddr *here, socklen_t size)
{
    static struct pollfd polled[ROOM + 1]; /* the last one is the listener */
    int resting = 0, yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, here, size) < 0 || listen(listener, 50) < 0)
        return perror("listen"), 1;
    never_block(listener);
    for (;;) {
        int count = present, door = resting || count == ROOM ? -1 : listener;
        for (int i = 0; i < count; i++) {
            short writing = members[i]->waiting > 0 ? POLLOUT : 0;
            polled[i] = (struct pollfd){.fd = members[i]->sock, .events = POLLIN | writing};
        }
        polled[count] = (struct pollfd){.fd = door, .events = POLLIN};
        if (poll(polled, (nfds_t)count + 1, resting ? 100 : -1) < 0)
            continue;
        for (int i = 0; i < count; i++) {
            if (polled[i].revents & POLLOUT)
                flush(members[i]);
            if (polled[i].revents & ~POLLOUT && !members[i]->gone)
                read_from(members[i]);
        }
        /* What failed would fail again at once. */
        resting = polled[count].revents != 0 && !let_in(accept(listener, NULL, NULL));
        see_off();
    }
}

/* Reads what is typed, up to a line `quit`, which the end of the input is too. Returns its length;
   `at` is how much of that word the line has so far, or -1 if it is another one. */
static size_t read_typed(char *typed, int *at, int *leaving)
{
    ssize_t got = read(STDIN_FILENO, typed, LINE);
    if (got <= 0) {
        *leaving = 1;
        return (size_t)sprintf(typed, "%squit\n", *at == 0 ? "" : "\n");
    }
    for (ssize_t i = 0; i < got; i++) {
        *leaving = typed[i] == '\n' && *at == 4;
        if (*leaving)
            return (size_t)i + 1;
        if (typed[i] == '\n')
            *at = 0;
        else if (typed[i] != '\r')
            *at = *at >= 0 && *at < 4 && typed[i] == "quit"[*at] ? *at + 1 : -1;
    }
    return (size_t)got;
}

static int client(int sock, const struct sockaddr *there, socklen_t size)
{
    char typed[LINE], come[LINE];
    size_t length = 0, sent = 0; /* of what is typed */
    int at = 0, leaving = 0;
    if (connect(sock, there, size) < 0)
        return perror("connect"), 1;
    never_block(sock);
    fputs("Your name:\n", stderr);
    for (;;) {
        /* No more is read than the room takes; who has said goodbye waits for it a little. */
        struct pollfd polled[] = {
            {.fd = leaving || length > 0 ? -1 : STDIN_FILENO, .events = POLLIN},
            {.fd = sock, .events = POLLIN | (length > 0 ? POLLOUT : 0)},
        };
        if (poll(polled, 2, leaving ? 2000 : -1) == 0)
            return 0;
        if (polled[0].revents)
            length = read_typed(typed, &at, &leaving);
        if (polled[1].revents & POLLOUT) {
            ssize_t taken = send(sock, typed + sent, length - sent, 0);
            sent += taken > 0 ? (size_t)taken : 0;
            if (sent == length)
                length = sent = 0;
        }
        if (polled[1].revents & ~POLLOUT) {
            ssize_t got = recv(sock, come, sizeof come, 0);
            if (got == 0 || (got < 0 && !later()))
                return leaving ? 0 : (fputs("the server has gone away\n", stderr), 1);
            if (got > 0 && (fwrite(come, 1, (size_t)got, stdout), fflush(stdout) != 0))
                return 0;
        }
    }
}

int main(int argc, char **argv)
{
    struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    if (argc != 3)
        return fputs("usage: 07-poll server PORT | 07-poll HOST PORT\n", stderr), 2;
    signal(SIGPIPE, SIG_IGN);
    int serves = strcmp(argv[1], "server") == 0;
    if (getaddrinfo(serves ? "127.0.0.1" : argv[1], argv[2], &wanted, &found) != 0)
        return fprintf(stderr, "07-poll: who is %s?\n", argv[1]), 1;
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    return (serves ? server : client)(sock, found->ai_addr, found->ai_addrlen);
}
