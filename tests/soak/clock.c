/* Preloaded into processes: their wall clock is ahead of, or behind, the machine's.

   CLOCK_FILE names a file of two 64-bit integers, nanoseconds: the first is added to the clock of
   PostgreSQL's processes, the second to that of all others. It is mapped, so that a change is seen
   at once by processes that run. CLOCK_MONOTONIC stays, as it does when a clock is set. Waits until
   a moment are told the machine's time of that moment, and are not cut short by a change. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define EPOCH 1000000000LL /* seconds that no monotonic clock has: more than thirty years */

static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_sem_wait)(sem_t *, const struct timespec *);
static int (*real_cond_wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static volatile int64_t *offset;

__attribute__((constructor)) static void begin(void) {
    real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    real_sem_wait = dlsym(RTLD_NEXT, "sem_timedwait");
    real_cond_wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    const char *name = getenv("CLOCK_FILE");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) return;
    int is_database = strcmp(program_invocation_short_name, "postgres") == 0;
    offset = (volatile int64_t *)mapped + (is_database ? 0 : 1);
}

static struct timespec moved(struct timespec moment, int64_t by) {
    int64_t nanoseconds = moment.tv_nsec + by % SECOND;
    moment.tv_sec += by / SECOND;
    if (nanoseconds < 0) { nanoseconds += SECOND; moment.tv_sec--; }
    if (nanoseconds >= SECOND) { nanoseconds -= SECOND; moment.tv_sec++; }
    moment.tv_nsec = nanoseconds;
    return moment;
}

int clock_gettime(clockid_t clock, struct timespec *found) {
    if (!real_gettime) real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real_gettime(clock, found);
    if (!failed && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        *found = moved(*found, *offset);
    return failed;
}

int gettimeofday(struct timeval *restrict found, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (!found) return 0;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *found) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found) *found = now.tv_sec;
    return now.tv_sec;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    struct timespec real = moved(*until, offset ? -*offset : 0);
    return real_sem_wait(semaphore, &real);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    /* The condition knows which clock it waits by; a moment tells it too. */
    int is_wall_clock = until->tv_sec > EPOCH;
    struct timespec real = moved(*until, offset && is_wall_clock ? -*offset : 0);
    return real_cond_wait(condition, mutex, &real);
}
