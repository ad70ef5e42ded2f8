/* Right, in C: a process for each client, and read() and write() on its socket. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void echo(int sock)
{
    char block[3000];
    ssize_t length;
    while ((length = read(sock, block, sizeof block)) > 0) {
        for (ssize_t done = 0; done < length;) {
            ssize_t written = write(sock, block + done, (size_t)(length - done));
            if (written < 0)
                return;
            done += written;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[2]))};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) != 0 || listen(listener, 5) != 0)
        return perror("listen"), 1;
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int sock = accept(listener, NULL, NULL);
        if (sock < 0)
            continue;
        if (fork() == 0) {
            close(listener);
            echo(sock);
            _exit(0);
        }
        close(sock);
    }
}
