/*
 * How many threads to start: what the user says, else the CPUs that this process may run on, within
 * the CPU time that its control group grants (a container with 2 of 64 CPUs should start 2).
 */
#include "base/pool.h"

#ifdef LAB_NO_THREADS

unsigned lab_usable_cpus(void)
{
    return 1;
}

unsigned lab_default_threads(unsigned cpus)
{
    (void)cpus;
    return 1;
}

#else

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __linux__
#include <sched.h>
#else
#include <unistd.h>
#endif

/* 0: LUALAB_THREADS is absent or no number of threads. */
static unsigned threads_wanted(void)
{
    const char *text = getenv("LUALAB_THREADS");
    if (!text || *text < '0' || *text > '9')
        return 0;
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    return *end == '\0' && value <= LAB_MAX_THREADS ? (unsigned)value : 0;
}

#ifdef __linux__

static unsigned cpus_allowed(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    return 1; /* more CPUs than cpu_set_t holds, or forbidden: be modest */
}

/* CPUs that `quota` microseconds a `period` are worth, rounded up; 0: no limit. */
static unsigned quota_cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    long long cpus = quota / period + (quota % period != 0);
    return cpus > (long long)LAB_MAX_THREADS ? LAB_MAX_THREADS : (unsigned)cpus;
}

/* The first line of a file; false when there is none. */
static bool read_line(const char *folder, const char *file, char *line, size_t size)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    bool ok = fgets(line, (int)size, in) != NULL;
    fclose(in);
    return ok;
}

/* Version 2: "QUOTA PERIOD" or "max PERIOD" in cpu.max. Version 1: two files, -1 for no limit.
 * What is no number reads as 0: no limit. */
static unsigned folder_limit(const char *folder, bool version2)
{
    char quota[64], period[64];
    if (version2) {
        char *rest;
        if (!read_line(folder, "cpu.max", quota, sizeof quota))
            return 0;
        long long most = strtoll(quota, &rest, 10);
        return quota_cpus(most, strtoll(rest, NULL, 10));
    }
    if (!read_line(folder, "cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_line(folder, "cpu.cfs_period_us", period, sizeof period))
        return 0;
    return quota_cpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The tightest limit of a group and the groups around it. */
static unsigned group_limit(const char *mount, const char *group, bool version2)
{
    char folder[1100];
    size_t base = strlen(mount);
    if ((size_t)snprintf(folder, sizeof folder, "%s%s", mount, group) >= sizeof folder)
        return 0;
    unsigned limit = 0;
    for (;;) {
        unsigned here = folder_limit(folder, version2);
        if (here > 0 && (limit == 0 || here < limit))
            limit = here;
        char *slash = strrchr(folder + base, '/');
        if (!slash)
            return limit;
        *slash = '\0';
    }
}

static bool lists_cpu(const char *controllers)
{
    for (const char *p = controllers; p; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, "cpu", 3) == 0 && (p[3] == '\0' || p[3] == ','))
            return true;
    }
    return false;
}

/* Lines of /proc/self/cgroup: "0::/group" (version 2) and "N:controllers:/group" (version 1). */
static unsigned cgroup_cpus(void)
{
    FILE *in = fopen("/proc/self/cgroup", "re");
    if (!in)
        return 0;
    unsigned limit = 0;
    char line[1024];
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        controllers++;
        *group++ = '\0';
        bool version2 = *controllers == '\0';
        if (!version2 && !lists_cpu(controllers))
            continue;
        unsigned here =
            group_limit(version2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", group, version2);
        if (here > 0 && (limit == 0 || here < limit))
            limit = here;
    }
    fclose(in);
    return limit;
}

#else

static unsigned cpus_allowed(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

static unsigned cgroup_cpus(void)
{
    return 0;
}

#endif

unsigned lab_usable_cpus(void)
{
    unsigned cpus = cpus_allowed(), limit = cgroup_cpus();
    if (limit > 0 && limit < cpus)
        cpus = limit;
    return cpus < 1 ? 1 : cpus;
}

unsigned lab_default_threads(unsigned cpus)
{
    unsigned threads = threads_wanted();
    if (threads == 0)
        threads = cpus;
    return threads > LAB_MAX_THREADS ? LAB_MAX_THREADS : threads;
}

#endif
