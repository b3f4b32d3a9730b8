/*
 * Peak arithmetic rates: see peak.h. Each kernel is a loop over chains of instructions in
 * registers, so many that their latency is hidden. An empty asm statement makes the compiler
 * believe that an operand has changed, so that it computes what it could know.
 */
#include "base/peak.h"

#include <stdint.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "lab_plugin.h"

/* Does `rounds` times the work of one round; gives something that depends on all of it. */
typedef uint32_t work_fn(uint64_t rounds);

typedef struct arithmetic {
    work_fn *work;
    uint32_t macs; /* of one round */
} arithmetic;

#if defined(__x86_64__)
#include <immintrin.h>

/* Two a cycle that take three (vpmaddwd) or four cycles (FMA) need 6 or 8 on their way. */
#define INT8_CHAINS 8
#define F32_CHAINS 10

/*
 * vpmaddwd alone. The additions that sum its results up run on other units and share the way there,
 * which costs from nothing to a third, differently each time: no figure to compare anything with.
 */
/* As asm, and without an array: GCC would store copies of the chains each time round. */
#define INT8_STEP(chain) __asm__ volatile("vpmaddwd %1, %0, %0" : "+x"(chain) : "x"(a))

__attribute__((target("avx2,fma"))) static uint32_t int8_avx2(uint64_t rounds)
{
    __m256i a = _mm256_set1_epi16(3), v0 = a, v1 = a, v2 = a, v3 = a, v4 = a, v5 = a, v6 = a,
            v7 = a;
    for (uint64_t r = 0; r < rounds; r++) {
        INT8_STEP(v0);
        INT8_STEP(v1);
        INT8_STEP(v2);
        INT8_STEP(v3);
        INT8_STEP(v4);
        INT8_STEP(v5);
        INT8_STEP(v6);
        INT8_STEP(v7);
    }
    v0 = _mm256_xor_si256(_mm256_xor_si256(v0, v1), _mm256_xor_si256(v2, v3));
    v4 = _mm256_xor_si256(_mm256_xor_si256(v4, v5), _mm256_xor_si256(v6, v7));
    return (uint32_t)_mm256_extract_epi32(_mm256_xor_si256(v0, v4), 0);
}

__attribute__((target("avx2,fma"))) static uint32_t f32_avx2(uint64_t rounds)
{
    __m256 sum[F32_CHAINS], a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
    for (int i = 0; i < F32_CHAINS; i++)
        sum[i] = _mm256_set1_ps((float)i);
    for (uint64_t r = 0; r < rounds; r++) {
        __asm__ volatile("" : "+x"(a), "+x"(b));
        for (int i = 0; i < F32_CHAINS; i++)
            sum[i] = _mm256_fmadd_ps(a, b, sum[i]);
    }
    for (int i = 1; i < F32_CHAINS; i++)
        sum[0] = _mm256_xor_ps(sum[0], sum[i]);
    return (uint32_t)_mm256_movemask_ps(sum[0]);
}

static const arithmetic int8_unit_avx2 = { int8_avx2, INT8_CHAINS * 16 };
static const arithmetic f32_unit_avx2 = { f32_avx2, F32_CHAINS * 8 };

static bool has_avx2(void)
{
    return (lab_cpu_features() & LAB_CPU_AVX2) != 0;
}
#endif

/* Plain C in a form that compilers turn into whatever vectors the build allows. */
#define LANES 32

static uint32_t int8_c(uint64_t rounds)
{
    int16_t a[LANES], b[LANES];
    uint32_t sum[LANES] = { 0 }, all = 0;
    for (int i = 0; i < LANES; i++)
        a[i] = b[i] = (int16_t)(i + 1);
    for (uint64_t r = 0; r < rounds; r++) {
        __asm__ volatile("" : : "r"(a), "r"(b) : "memory");
        for (int i = 0; i < LANES; i++)
            sum[i] += (uint32_t)((int32_t)a[i] * b[i]);
    }
    for (int i = 0; i < LANES; i++)
        all ^= sum[i];
    return all;
}

static uint32_t f32_c(uint64_t rounds)
{
    float a[LANES], b[LANES], sum[LANES] = { 0 }, all = 0;
    for (int i = 0; i < LANES; i++)
        a[i] = b[i] = 0.5f;
    for (uint64_t r = 0; r < rounds; r++) {
        __asm__ volatile("" : : "r"(a), "r"(b) : "memory");
        for (int i = 0; i < LANES; i++)
            sum[i] += a[i] * b[i];
    }
    for (int i = 0; i < LANES; i++)
        all += sum[i];
    return all > 0;
}

static const arithmetic int8_unit_c = { int8_c, LANES };
static const arithmetic f32_unit_c = { f32_c, LANES };

/* ---- timing ---- */

#define PIECE_NS 250000.0 /* long beside the waking of a thread, short beside a time slice */
#define PIECES 24         /* the fastest counts: others shared the CPU with someone */

typedef struct job {
    const arithmetic *unit;
    uint64_t rounds;
    atomic_uint result; /* keeps the work from being thought useless */
} job;

static void run_piece(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    job *j = user;
    (void)thread;
    for (uint32_t i = begin; i < end; i++)
        atomic_fetch_xor(&j->result, j->unit->work(j->rounds));
}

static double time_pieces(lab_pool *pool, job *j, uint32_t pieces)
{
    int64_t start = lab_now_ns();
    lab_pool_run(pool, pieces, 1, run_piece, j, NULL);
    return (double)(lab_now_ns() - start);
}

/* Multiply-adds a second of all threads together. */
static double measure(lab_pool *pool, const arithmetic *unit)
{
    job j = { .unit = unit, .rounds = 1000 };
    uint32_t threads = lab_pool_threads(pool);
    /* Doubled until it is long enough, which also brings the CPU to its working frequency. */
    while (time_pieces(pool, &j, 1) < PIECE_NS && j.rounds < UINT64_C(1) << 40)
        j.rounds *= 2;
    double best = 0;
    for (int i = 0; i < PIECES; i++) {
        double ns = time_pieces(pool, &j, threads);
        double rate = (double)j.rounds * unit->macs * threads / (ns > 1 ? ns : 1) * 1e9;
        best = rate > best ? rate : best;
    }
    return best;
}

void lab_peak_measure(lab_pool *pool, lab_peak *peak)
{
    const arithmetic *int8 = &int8_unit_c, *f32 = &f32_unit_c;
    peak->isa = "c";
#if defined(__x86_64__)
    if (has_avx2()) {
        int8 = &int8_unit_avx2;
        f32 = &f32_unit_avx2;
        peak->isa = "avx2";
    }
#endif
    peak->int8 = measure(pool, int8);
    peak->f32 = measure(pool, f32);
}
