/*
 * conv_runs_avx2.h: the inner loop of conv_avx2.c over runs of groups: six rows times 16 filters,
 * two vectors. It is written in assembly, since compilers get it wrong: GCC 12 reorders the sums of
 * neighbouring steps until it runs out of registers, and what either makes of a loop over groups of
 * any size spends more on the loop than on the groups. Here each size has a loop without inner
 * branches.
 *
 *     ymm0 … 11  sums of a group, in 16 bits
 *     ymm12, 13  weights of an entry; ones
 *     ymm14, 15  values of a row; products
 *
 * The 12 accumulators are in memory, added to once a group.
 */
#ifndef X86_CONV_RUNS_AVX2_H
#define X86_CONV_RUNS_AVX2_H

#include "conv_q8_ymm.h"

#define RUN_ROWS ((size_t)6)

#define OFFSET(entry) "movl 4*" entry "(%[offset]), %k[at]\n\t"
#define LOAD(from, to) "vmovdqa " from ", %%ymm" to "\n\t"
#define VALUES(row, to) "vpbroadcastd (%[" row "],%q[at]), %%ymm" to "\n\t"
#define PRODUCTS(w, x, to) "vpmaddubsw %%ymm" w ", %%ymm" x ", %%ymm" to "\n\t"
#define ADD(x, sum) "vpaddw %%ymm" x ", %%ymm" sum ", %%ymm" sum "\n\t"

#define FIRST_ROW(row, a, b) VALUES(row, "14") PRODUCTS("12", "14", a) PRODUCTS("13", "14", b)
#define NEXT_ROW(row, a, b)                                                                        \
    VALUES(row, "14")                                                                              \
    PRODUCTS("12", "14", "15") PRODUCTS("13", "14", "14") ADD("15", a) ADD("14", b)
#define ROWS(ROW)                                                                                  \
    ROW("r0", "0", "1")                                                                            \
    ROW("r1", "2", "3")                                                                            \
    ROW("r2", "4", "5") ROW("r3", "6", "7") ROW("r4", "8", "9") ROW("r5", "10", "11")
#define ENTRY(entry, ROW)                                                                          \
    OFFSET(entry) LOAD("64*" entry "(%[w])", "12") LOAD("64*" entry "+32(%[w])", "13") ROWS(ROW)
#define FIRST ENTRY("0", FIRST_ROW)
#define NEXT(entry) ENTRY(entry, NEXT_ROW)

#define EACH(DO)                                                                                   \
    DO("0")                                                                                        \
    DO("1") DO("2") DO("3") DO("4") DO("5") DO("6") DO("7") DO("8") DO("9") DO("10") DO("11")
#define WIDEN(sum) "vpmaddwd %%ymm12, %%ymm" sum ", %%ymm" sum "\n\t"
#define INTO(acc)                                                                                  \
    "vpaddd 32*" acc "(%[from]), %%ymm" acc ", %%ymm" acc "\n\t"                                   \
    "vmovdqa %%ymm" acc ", 32*" acc "(%[acc])\n\t"
#define ACCUMULATE LOAD("%[ones]", "12") EACH(WIDEN) EACH(INTO) "movq %[acc], %[from]\n\t"

/* `left` groups of `size` entries; w and offset move on. */
#define RUN(size, entries)                                                                         \
    __asm__ volatile(                                                                              \
        ".p2align 5\n"                                                                             \
        "1:\n\t" entries ACCUMULATE "addq $64*" size ", %[w]\n\t"                                  \
        "addq $4*" size ", %[offset]\n\t"                                                          \
        "decl %k[left]\n\t"                                                                        \
        "jnz 1b\n\t"                                                                               \
        : [w] "+r"(w), [offset] "+r"(offset), [left] "+r"(left), [at] "=&r"(at), [from] "+r"(from) \
        : [r0] "r"(rows[0]), [r1] "r"(rows[1]), [r2] "r"(rows[2]), [r3] "r"(rows[3]),              \
          [r4] "r"(rows[4]), [r5] "r"(rows[5]), [acc] "r"(acc), [ones] "m"(ones)                   \
        : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory")

/* acc[2 * row + half] = from[the same] + the products of the groups, of which there are some. */
INLINE void multiply_runs(const conv_q8_panel *p, const uint8_t *const *rows, const __m256i *from,
                          __m256i *acc)
{
    const __m256i ones = _mm256_set1_epi16(1);
    const int8_t *w = p->weights;
    const uint32_t *offset = p->offsets;
    _Static_assert(MAX_GROUP == 8, "sizes of groups");
    for (const quad_run *run = p->runs; run->count; run++) {
        uint64_t left = run->count, at;
        switch (run->size) {
        case 8:
            RUN("8", FIRST NEXT("1") NEXT("2") NEXT("3") NEXT("4") NEXT("5") NEXT("6") NEXT("7"));
            break;
        case 7:
            RUN("7", FIRST NEXT("1") NEXT("2") NEXT("3") NEXT("4") NEXT("5") NEXT("6"));
            break;
        case 6:
            RUN("6", FIRST NEXT("1") NEXT("2") NEXT("3") NEXT("4") NEXT("5"));
            break;
        case 5:
            RUN("5", FIRST NEXT("1") NEXT("2") NEXT("3") NEXT("4"));
            break;
        case 4:
            RUN("4", FIRST NEXT("1") NEXT("2") NEXT("3"));
            break;
        case 3:
            RUN("3", FIRST NEXT("1") NEXT("2"));
            break;
        case 2:
            RUN("2", FIRST NEXT("1"));
            break;
        default:
            RUN("1", FIRST);
        }
    }
}

#endif
