/* spawn DESCRIPTOR COMMAND...: runs the command and says on the descriptor what it took: seconds of wall time, of CPU (user and system, with the children it waited for),
   the peak memory of its largest process in KiB, and how it ended (getrusage(2), wait4(2)).
   A program of its own, because a child's peak begins with the memory of whoever forked it: a Python's would be the least it could be. */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

int main(int count, char **words) {
  struct timespec began, ended;
  struct rusage used;
  int status;
  int told = count > 2 ? atoi(words[1]) : -1;
  clock_gettime(CLOCK_MONOTONIC, &began);
  pid_t child = vfork();
  if (child == 0) {
    close(told);
    execvp(words[2], words + 2);
    _exit(127);
  }
  wait4(child, &status, 0, &used);
  clock_gettime(CLOCK_MONOTONIC, &ended);
  dprintf(told, "%.6f %.6f %ld %d\n", ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) / 1e9,
          seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss,
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
