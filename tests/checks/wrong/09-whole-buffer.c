/* fails: 09.server-sends whole-buffer
   fails: 09.client-sends whole-buffer
   fails: 09.tunnel-early whole-buffer
   fails: 09.tunnel-much -
   Chapter 9 that sends its whole buffer, whatever has come. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int opened(const char *host, const char *port, int serves)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    addr.sin_port = htons((unsigned short)atoi(port));
    inet_pton(AF_INET, host, &addr.sin_addr);
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    if (serves) {
        if (bind(sock, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(sock, 50) < 0)
            exit(1);
    } else if (connect(sock, (struct sockaddr *)&addr, sizeof addr) < 0) {
        exit(1);
    }
    return sock;
}

static void copy(int from, int to)
{
    char buffer[1024] = {0};
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer - 24)) > 0)
        if (write(to, buffer, to == 1 ? (size_t)length : sizeof buffer) < 0)
            break;
    shutdown(to, SHUT_WR);
}

static void both(int in, int out, int sock)
{
    if (fork() == 0) {
        copy(sock, out);
        exit(0);
    }
    copy(in, sock);
    wait(NULL);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 5) {
        int listener = opened("127.0.0.1", argv[2], 1);
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int client = accept(listener, NULL, NULL);
            if (fork() == 0) {
                close(listener);
                both(client, client, opened(argv[3], argv[4], 0));
                exit(0);
            }
            close(client);
        }
    }
    if (strcmp(argv[1], "server") == 0)
        both(0, 1, accept(opened("127.0.0.1", argv[2], 1), NULL, NULL));
    else
        both(0, 1, opened(argv[1], argv[2], 0));
    return 0;
}
