/* CPU features, asked of the CPU and of the system that must save its registers; see cpu.h. */
#include "base/cpu.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lab_plugin.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* XCR0 bits: which registers the system saves when it switches threads. */
#define XCR0_YMM 0x06u /* SSE and AVX state */
#define XCR0_ZMM 0xe6u /* and opmask, upper ZMM, ZMM16..31 */

static uint32_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has(uint32_t reg, unsigned bit)
{
    return (reg >> bit) & 1u;
}

uint64_t lab_cpu_features(void)
{
    uint32_t a, b, c, d;
    uint64_t found = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    if (has(c, 19))
        found |= LAB_CPU_SSE41;
    bool fma = has(c, 12), osxsave = has(c, 27), avx = has(c, 28);
    uint32_t saved = osxsave ? read_xcr0() : 0;
    if (!avx || (saved & XCR0_YMM) != XCR0_YMM || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return found;

    uint32_t more_leaves = a;
    if (has(b, 5) && fma)
        found |= LAB_CPU_AVX2;
    bool avx512 = has(b, 16) && has(b, 17) && has(b, 30) && has(b, 31); /* F, DQ, BW, VL */
    if (avx512 && (saved & XCR0_ZMM) == XCR0_ZMM) {
        found |= LAB_CPU_AVX512;
        if (has(c, 11))
            found |= LAB_CPU_AVX512VNNI;
    }
    if (more_leaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && has(a, 4))
        found |= LAB_CPU_AVXVNNI;
    return found;
}

/* The 48 bytes of leaves 0x80000002 to 4; false when the CPU has none. */
static bool brand_string(char brand[49])
{
    uint32_t regs[12];
    for (unsigned i = 0; i < 3; i++) {
        uint32_t *r = regs + (size_t)4 * i;
        if (!__get_cpuid(0x80000002u + i, &r[0], &r[1], &r[2], &r[3]))
            return false;
    }
    memcpy(brand, regs, sizeof regs);
    brand[48] = '\0';
    return brand[0] != '\0';
}

void lab_cpu_name(char *name, uint32_t size)
{
    char brand[49];
    if (size == 0)
        return;
    if (!brand_string(brand)) {
        snprintf(name, size, "x86");
        return;
    }
    /* CPUs pad the name with blanks in front and inside. */
    uint32_t used = 0;
    for (const char *p = brand; *p && used + 1 < size; p++) {
        bool blank = *p == ' ';
        if (blank && (used == 0 || name[used - 1] == ' '))
            continue;
        name[used++] = *p;
    }
    while (used > 0 && name[used - 1] == ' ')
        used--;
    name[used] = '\0';
}

#elif (defined(__aarch64__) || defined(__arm__)) && defined(__linux__)
#include <sys/auxv.h>

#ifdef __aarch64__
#define HWCAP_BIT_NEON (1ul << 1) /* ASIMD */
#define HWCAP_BIT_DOTPROD (1ul << 20)
#else
#define HWCAP_BIT_NEON (1ul << 12)
#define HWCAP_BIT_DOTPROD (1ul << 24)
#endif

uint64_t lab_cpu_features(void)
{
    unsigned long caps = getauxval(AT_HWCAP);
    uint64_t found = 0;
    if (caps & HWCAP_BIT_NEON)
        found |= LAB_CPU_NEON;
    if (caps & HWCAP_BIT_DOTPROD)
        found |= LAB_CPU_DOTPROD;
    return found;
}

void lab_cpu_name(char *name, uint32_t size)
{
    snprintf(name, size, sizeof(void *) == 8 ? "ARM 64-bit" : "ARM 32-bit");
}

#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>

uint64_t lab_cpu_features(void)
{
    int32_t dotprod = 0;
    size_t size = sizeof dotprod;
    uint64_t found = LAB_CPU_NEON;
    /* Systems older than the name have CPUs that are asked for nothing more. */
    if (sysctlbyname("hw.optional.arm.FEAT_DotProd", &dotprod, &size, NULL, 0) == 0 && dotprod)
        found |= LAB_CPU_DOTPROD;
    return found;
}

void lab_cpu_name(char *name, uint32_t size)
{
    char brand[128] = "";
    size_t length = sizeof brand - 1;
    if (sysctlbyname("machdep.cpu.brand_string", brand, &length, NULL, 0) != 0 || !brand[0])
        snprintf(brand, sizeof brand, "ARM 64-bit");
    snprintf(name, size, "%s", brand);
}

#else

uint64_t lab_cpu_features(void)
{
#ifdef __aarch64__
    return LAB_CPU_NEON; /* part of the architecture */
#else
    return 0;
#endif
}

void lab_cpu_name(char *name, uint32_t size)
{
    snprintf(name, size, "unknown CPU");
}

#endif
