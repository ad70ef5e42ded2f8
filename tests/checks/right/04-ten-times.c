/* Right, in C: the client pauses before it asks, asks ten times and ends; the time of the day is
   its seed, so two that are started in the same second pause alike. A line end stands behind
   each request and each answer. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in address(const char *ip, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    inet_pton(AF_INET, ip, &address.sin_addr);
    return address;
}

static int serve(int s, const char *port)
{
    struct sockaddr_in here = address("0.0.0.0", port), client;
    if (bind(s, (struct sockaddr *)&here, sizeof here) < 0) {
        perror("bind");
        return 1;
    }
    for (;;) {
        char request[100], answer[100];
        socklen_t size = sizeof client;
        ssize_t length = recvfrom(s, request, sizeof request - 1, 0,
                                  (struct sockaddr *)&client, &size);
        if (length < 0)
            continue;
        request[length] = '\0';
        time_t now = time(NULL);
        const char *form = "unknown request\n";
        if (strncmp(request, "SEND_DATE", 9) == 0)
            form = "%A, %d %B %Y\n";
        if (strncmp(request, "SEND_TIME", 9) == 0)
            form = "%H:%M:%S\n";
        strftime(answer, sizeof answer, form, localtime(&now));
        sendto(s, answer, strlen(answer), 0, (struct sockaddr *)&client, size);
    }
}

static int ask(int s, const char *host, const char *port)
{
    struct sockaddr_in server = address(host, port);
    struct timeval patience = {.tv_sec = 3};
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    srand(time(NULL));
    for (int i = 0; i < 10; i++) {
        usleep(1000000 + rand() % 1000000);
        const char *request = rand() % 2 ? "SEND_DATE\n" : "SEND_TIME\n";
        sendto(s, request, strlen(request), 0, (struct sockaddr *)&server, sizeof server);
        char answer[100];
        ssize_t length = recv(s, answer, sizeof answer - 1, 0);
        if (length < 0) {
            printf("no answer\n");
        } else {
            answer[length] = '\0';
            printf("%s", answer);
        }
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (argc != 3 || s < 0)
        return 2;
    return strcmp(argv[1], "server") == 0 ? serve(s, argv[2]) : ask(s, argv[1], argv[2]);
}
