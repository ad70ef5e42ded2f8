/* Right, in C: one process, and one select() for all clients. A client is a structure, which
   waits for the rest of a line or for room for the rest of an answer, but never for both. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netdb.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LINE 4096
#define PLACES 100
#define NUMBER "(-?[0-9]+(\\.[0-9]+)?)"

struct client {
    int sock;
    char name[64], line[MAX_LINE], answer[64];
    size_t length, sent, owed;
};

/* Fewer than select() and the usual limit on descriptors allow. One whose socket is 0 is free. */
static struct client places[PLACES];
static regex_t request;

/* The result may stand in a static: in one thread nobody else writes there. */
static const char *calculate(const char *line)
{
    static char result[32];
    regmatch_t part[5];
    if (regexec(&request, line, 5, part, 0) != 0)
        return "error: malformed";
    double a = strtod(line + part[1].rm_so, NULL), b = strtod(line + part[4].rm_so, NULL), value;
    switch (line[part[3].rm_so]) {
    case '+': value = a + b; break;
    case '-': value = a - b; break;
    case '*': value = a * b; break;
    default:
        if (b == 0)
            return "error: division by zero";
        value = a / b;
    }
    if (!isfinite(a) || !isfinite(b) || !isfinite(value))
        return "error: overflow";
    /* A double is sure of 15 digits: with more, 0.1 + 0.2 is not 0.3. A zero loses its sign. */
    snprintf(result, sizeof result, "%.15g", value + 0.0);
    return result;
}

/* Takes the line that ends here; the first one is the name. False: it was the last. */
static int hear(struct client *c, char *end)
{
    *end = '\0';
    if (c->name[0] == '\0') {
        snprintf(c->name, sizeof c->name, "%.60s", c->line);
    } else if (strcmp(c->line, "q") == 0) {
        return 0;
    } else {
        c->sent = 0;
        c->owed = (size_t)snprintf(c->answer, sizeof c->answer, "%s\n", calculate(c->line));
        printf("%s: %s = %s", c->name, c->line, c->answer);
    }
    c->length -= (size_t)(end + 1 - c->line);
    memmove(c->line, end + 1, c->length);
    return 1;
}

/* Goes as far as it can without waiting; false at the end of the session. The next line is heard
   when the last answer has left: more than one is never kept for a client that does not read. */
static int go_on(struct client *c)
{
    char *end;
    if (c->owed == 0) {
        ssize_t got = recv(c->sock, c->line + c->length, MAX_LINE - c->length, 0);
        if (got <= 0)
            return got < 0 && errno == EAGAIN;
        for (char *at = c->line + c->length; got > 0; got--, at++, c->length++)
            if (iscntrl((unsigned char)*at) && *at != '\n')
                *at = '?'; /* the screen obeys no stranger */
    }
    do {
        while (c->owed > 0) {
            ssize_t sent = send(c->sock, c->answer + c->sent, c->owed, 0);
            if (sent < 0)
                return errno == EAGAIN;
            c->sent += (size_t)sent;
            c->owed -= (size_t)sent;
        }
        end = memchr(c->line, '\n', c->length);
    } while (end != NULL && hear(c, end));
    /* A line that fills all there is will never end. */
    return end == NULL && c->length < MAX_LINE;
}

static int serve(int listener, const struct addrinfo *here)
{
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    if (bind(listener, here->ai_addr, here->ai_addrlen) != 0 || listen(listener, 50) != 0)
        return perror("listen"), 1;
    for (;;) {
        struct client *c, *spare = NULL;
        fd_set readable, writable;
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        for (c = places; c < places + PLACES; c++)
            if (c->sock == 0)
                spare = c;
            else
                FD_SET(c->sock, c->owed > 0 ? &writable : &readable);
        if (spare != NULL) /* else who comes waits in the kernel's queue */
            FD_SET(listener, &readable);
        if (select(FD_SETSIZE, &readable, &writable, NULL, NULL) < 0)
            continue;
        for (c = places; c < places + PLACES; c++) {
            int ready = FD_ISSET(c->sock, &readable) || FD_ISSET(c->sock, &writable);
            if (c->sock != 0 && ready && !go_on(c)) {
                printf("%s: Session ended\n", c->name);
                close(c->sock);
                c->sock = 0;
            }
        }
        int sock = FD_ISSET(listener, &readable) ? accept(listener, NULL, NULL) : -1;
        if (sock >= 0) {
            fcntl(sock, F_SETFL, O_NONBLOCK);
            *spare = (struct client){.sock = sock};
        }
    }
}

/* The client waits for one thing at a time: for its user, or for the answer. */
static int ask(int sock)
{
    static char line[MAX_LINE];
    FILE *server = fdopen(sock, "r");
    for (int named = 0; fgets(line, sizeof line, stdin) != NULL;) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "q") == 0)
            break;
        if (named && regexec(&request, line, 0, NULL, 0) != 0) {
            fputs("warning: write it as in 12 + 42\n", stderr);
            continue;
        }
        dprintf(sock, "%s\n", line);
        if (!named) {
            named = 1;
            continue;
        }
        if (fgets(line, sizeof line, server) == NULL)
            return fputs("the server is gone\n", stderr), 1;
        fputs(line, stdout);
    }
    dprintf(sock, "q\n");
    return 0;
}

int main(int argc, char **argv)
{
    struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    if (argc != 3)
        return 2;
    int serving = strcmp(argv[1], "server") == 0;
    if (getaddrinfo(serving ? "127.0.0.1" : argv[1], argv[2], &wanted, &found) != 0)
        return fputs("no such address\n", stderr), 1;
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    regcomp(&request, "^ *" NUMBER " +([-+*/]) +" NUMBER " *$", REG_EXTENDED);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (serving)
        return serve(sock, found);
    if (connect(sock, found->ai_addr, found->ai_addrlen) != 0)
        return perror("connect"), 1;
    return ask(sock);
}
