/*
 * Echo on a plain epoll loop: what the machine can do at most. Keeps the contract of the servers
 * under test (Contract.java), of their work "raw" only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, EVENTS = 512, BUFFER = 64 * 1024 };

struct connection {
    int fd;
    bool readable;
    bool told_more_than_data; /* Then a short read does not say that the socket is drained. */
    char *unsent;             /* What the socket did not take yet; NULL when there is nothing. */
    size_t from;
    size_t to;
};

static char buffer[BUFFER];
static char listener_tag;
static char stdin_tag;
static int epoll;

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void *check(void *memory)
{
    if (memory == NULL)
        die("malloc");
    return memory;
}

static void watch(int fd, uint32_t events, void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void end(struct connection *c)
{
    close(c->fd);
    free(c->unsent);
    free(c);
}

/* False when the connection is broken. */
static bool send_some(struct connection *c, const char *bytes, size_t length, size_t *sent)
{
    *sent = 0;
    while (*sent < length) {
        ssize_t n = send(c->fd, bytes + *sent, length - *sent, MSG_NOSIGNAL);
        if (n >= 0)
            *sent += (size_t)n;
        else if (errno != EINTR)
            return errno == EAGAIN;
    }
    return true;
}

static bool send_unsent(struct connection *c)
{
    size_t sent;
    if (!send_some(c, c->unsent + c->from, c->to - c->from, &sent))
        return false;
    c->from += sent;
    if (c->from == c->to) {
        free(c->unsent);
        c->unsent = NULL;
    }
    return true;
}

static bool send_or_keep(struct connection *c, size_t length)
{
    size_t sent;
    if (!send_some(c, buffer, length, &sent))
        return false;
    if (sent < length) {
        c->from = 0;
        c->to = length - sent;
        c->unsent = check(malloc(c->to));
        memcpy(c->unsent, buffer + sent, c->to);
    }
    return true;
}

/* Reads only while nothing is unsent, so that no client makes this server keep much. */
static bool echo(struct connection *c)
{
    while (c->readable && c->unsent == NULL) {
        ssize_t n = recv(c->fd, buffer, BUFFER, 0);
        if (n == 0)
            return false;
        if (n < 0) {
            if (errno == EINTR)
                continue;
            c->readable = false;
            return errno == EAGAIN;
        }
        c->readable = n == BUFFER || c->told_more_than_data;
        if (!send_or_keep(c, (size_t)n))
            return false;
    }
    return true;
}

static void serve(struct connection *c, uint32_t events)
{
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->told_more_than_data = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->readable = true;
    if ((c->unsent != NULL && !send_unsent(c)) || !echo(c))
        end(c);
}

static void begin(int fd)
{
    int on = 1;
    struct connection *c = check(calloc(1, sizeof *c));
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, c);
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        begin(fd);
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = 0};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 ||
        listen(listener, BACKLOG) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        die("listen");
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void raise_limit_of_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("setrlimit");
}

static void end_with_input(void)
{
    if (read(STDIN_FILENO, buffer, BUFFER) <= 0)
        exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    int listener;

    if (argc != 2 || strcmp(argv[1], "raw") != 0) {
        fprintf(stderr, "usage: echo raw\n");
        return EXIT_FAILURE;
    }
    raise_limit_of_descriptors();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll_create1");
    listener = listen_on_loopback();
    watch(listener, EPOLLIN, &listener_tag);
    watch(STDIN_FILENO, EPOLLIN, &stdin_tag);
    while (true) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &listener_tag)
                accept_all(listener);
            else if (events[i].data.ptr == &stdin_tag)
                end_with_input();
            else
                serve(events[i].data.ptr, events[i].events);
        }
    }
}
