/* Right, in C: a process for each direction, of the chat and of the tunnel. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    addr.sin_port = htons((unsigned short)atoi(port));
    if (inet_pton(AF_INET, host, &addr.sin_addr) != 1)
        die(host);
    return addr;
}

static int listening(const char *port)
{
    struct sockaddr_in addr = address("0.0.0.0", port);
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(sock, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(sock, 50) < 0)
        die("listen");
    return sock;
}

static int calling(const char *host, const char *port)
{
    struct sockaddr_in addr = address(host, port);
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(sock, (struct sockaddr *)&addr, sizeof addr) < 0)
        die("connect");
    return sock;
}

/* 0: the end; -1: it broke. */
static int copy(int from, int to)
{
    char block[5000];
    ssize_t length;
    while ((length = read(from, block, sizeof block)) > 0)
        for (ssize_t done = 0; done < length;) {
            ssize_t written = write(to, block + done, (size_t)(length - done));
            if (written < 0)
                return -1;
            done += written;
        }
    return (int)length;
}

/* One direction; a failure ends both. */
static void pass_on(int from, int to)
{
    if (copy(from, to) < 0) {
        shutdown(from, SHUT_RDWR);
        shutdown(to, SHUT_RDWR);
    }
    shutdown(to, SHUT_WR);
}

static void both(int in, int out, int sock)
{
    if (fork() == 0) {
        pass_on(sock, out);
        exit(0);
    }
    pass_on(in, sock);
    wait(NULL);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 5 && strcmp(argv[1], "tunnel") == 0) {
        int listener = listening(argv[2]);
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int client = accept(listener, NULL, NULL);
            if (fork() == 0) {
                close(listener);
                both(client, client, calling(argv[3], argv[4]));
                exit(0);
            }
            close(client);
        }
    }
    if (argc == 3 && strcmp(argv[1], "server") == 0)
        both(0, 1, accept(listening(argv[2]), NULL, NULL));
    else if (argc == 3)
        both(0, 1, calling(argv[1], argv[2]));
    return 0;
}
