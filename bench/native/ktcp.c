/*
 * The kernel's TCP as a measuring peer, through ordinary sockets with cubic.
 *
 *   ktcp serve                      sink on 5001, source on 5002, echo on 5003, until killed
 *   ktcp send IP SECONDS            bulk to the sink: prints bits per second that the peer acknowledged
 *   ktcp recv IP SECONDS            bulk from the source: prints bits per second
 *   ktcp pp   IP SECONDS            1-byte ping-pong with the echo: prints median and 99th percentile in microseconds
 *   ktcp crr  IP SECONDS            connect, 1 byte each way, close by reset: prints connections per second
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <linux/sockios.h>
#include <time.h>
#include <unistd.h>

enum { SINK = 5001, SOURCE = 5002, ECHO = 5003, CHUNK = 256 * 1024, MOST_SAMPLES = 4 * 1000 * 1000 };

static char chunk[CHUNK];

static void die(const char *what) {
  fprintf(stderr, "ktcp: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void tune(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int dial(const char *ip, int port) {
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
  char service[8];
  snprintf(service, sizeof service, "%d", port);
  if (getaddrinfo(ip, service, &hints, &found) != 0) die(ip);
  int fd = socket(found->ai_family, SOCK_STREAM, 0);
  if (fd < 0) die("socket");
  tune(fd);
  if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) die("connect");
  freeaddrinfo(found);
  return fd;
}

static void bulk_out(const char *ip, double seconds) {
  int fd = dial(ip, SINK), queued = 0;
  double begin = now(), end = begin + seconds, sent = 0;
  while (now() < end) {
    ssize_t n = write(fd, chunk, CHUNK);
    if (n < 0) die("write");
    sent += n;
  }
  ioctl(fd, SIOCOUTQ, &queued);
  printf("%.0f\n", (sent - queued) * 8 / (now() - begin));
}

static void bulk_in(const char *ip, double seconds) {
  int fd = dial(ip, SOURCE);
  double begin = now(), end = begin + seconds, got = 0;
  while (now() < end) {
    ssize_t n = read(fd, chunk, CHUNK);
    if (n <= 0) die("read");
    got += n;
  }
  printf("%.0f\n", got * 8 / (now() - begin));
}

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void ping_pong(const char *ip, double seconds) {
  int fd = dial(ip, ECHO), count = 0;
  float *samples = malloc(MOST_SAMPLES * sizeof *samples);
  char byte = 'x';
  for (int i = 0; i < 500; i++)
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) die("echo");
  for (double end = now() + seconds; count < MOST_SAMPLES;) {
    double sent = now();
    if (sent >= end) break;
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) die("echo");
    samples[count++] = (now() - sent) * 1e6;
  }
  qsort(samples, count, sizeof *samples, compare);
  printf("%.1f %.1f\n", samples[count / 2], samples[(int)(count * 0.99)]);
}

static void connections(const char *ip, double seconds) {
  struct linger reset = {1, 0};
  double begin = now(), end = begin + seconds;
  int count = 0;
  for (char byte = 'x'; now() < end; count++) {
    int fd = dial(ip, ECHO);
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) die("echo");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
  }
  printf("%.0f\n", count / (now() - begin));
}

static void handle(int fd, int port) {
  ssize_t n = 1;
  tune(fd);
  while (n > 0) {
    if (port == SOURCE) {
      n = write(fd, chunk, CHUNK);
    } else {
      n = read(fd, chunk, CHUNK);
      if (port == ECHO && n > 0) n = write(fd, chunk, n);
    }
  }
  close(fd);
}

static void serve_port(int port) {
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int one = 1, fd = socket(AF_INET6, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0 || listen(fd, 128) < 0) die("listen");
  if (port == ECHO) {
    for (;;) handle(accept(fd, NULL, NULL), port);
  }
  for (;;) {
    int peer = accept(fd, NULL, NULL);
    if (fork() == 0) {
      handle(peer, port);
      exit(0);
    }
    close(peer);
    while (waitpid(-1, NULL, WNOHANG) > 0);
  }
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 2 && strcmp(argv[1], "serve") == 0) {
    if (fork() == 0) serve_port(SINK);
    if (fork() == 0) serve_port(SOURCE);
    serve_port(ECHO);
  }
  if (argc != 4) {
    fprintf(stderr, "usage: ktcp serve | ktcp send|recv|pp|crr IP SECONDS\n");
    return 2;
  }
  double seconds = atof(argv[3]);
  if (strcmp(argv[1], "send") == 0) bulk_out(argv[2], seconds);
  else if (strcmp(argv[1], "recv") == 0) bulk_in(argv[2], seconds);
  else if (strcmp(argv[1], "pp") == 0) ping_pong(argv[2], seconds);
  else if (strcmp(argv[1], "crr") == 0) connections(argv[2], seconds);
  else return 2;
  return 0;
}
