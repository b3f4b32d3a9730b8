/*
 * add_avx2.c: 8-bit add of tensors of equal shape, the formula of ../reference/add.h in int32,
 * eight values at a time; broadcasts are left to reference. Zero points and the rounding term make
 * one constant: x1 m1 + x2 m2 + (2^(shift-1) - z1 m1 - z2 m2), sums modulo 2^32.
 */
#include "../reference/add.h"
#include "kernels.h"
#include "store_avx2.h"

static int match(const lab_node *node)
{
    return add_q8_flat_match(node) ? 20 : 0;
}

/* Eight results as int32 in lo .. hi; a and b hold the inputs in their low eight bytes. */
static inline __m256i add8(const add_q8_flat *s, __m128i a, __m128i b)
{
    __m256i x = _mm256_mullo_epi32(_mm256_cvtepu8_epi32(a), _mm256_set1_epi32(s->m[0]));
    __m256i y = _mm256_mullo_epi32(_mm256_cvtepu8_epi32(b), _mm256_set1_epi32(s->m[1]));
    __m256i sum = _mm256_add_epi32(_mm256_add_epi32(x, y), _mm256_set1_epi32(s->start));
    __m256i v = _mm256_add_epi32(_mm256_sra_epi32(sum, _mm_cvtsi32_si128(s->shift)),
                                 _mm256_set1_epi32(s->zero));
    return _mm256_min_epi32(_mm256_max_epi32(v, _mm256_set1_epi32(s->lo)),
                            _mm256_set1_epi32(s->hi));
}

static inline __m128i add16(const add_q8_flat *s, __m128i a, __m128i b)
{
    __m128i flip = _mm_set1_epi8((char)s->flip);
    a = _mm_xor_si128(a, flip);
    b = _mm_xor_si128(b, flip);
    __m256i low = add8(s, a, b);
    __m256i high = add8(s, _mm_unpackhi_epi64(a, a), _mm_unpackhi_epi64(b, b));
    /* Packing works in halves: the permutation puts the quarters back in order. */
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    return _mm_xor_si128(bytes, flip);
}

static void run(const lab_task *task)
{
    const add_q8_flat *s = task->state;
    const uint8_t *a = task->in[0], *b = task->in[1];
    uint8_t *y = task->out[0];
    size_t i = tile_begin(&s->tiles, task) * ADD_BLOCK, end = tile_end(&s->tiles, task) * ADD_BLOCK;
    end = end < s->n ? end : s->n;
    for (; i + ADD_BLOCK <= end; i += ADD_BLOCK)
        store_128u(y + i, add16(s, load_128u(a + i), load_128u(b + i)));
    if (i < end) {
        uint8_t part[3][ADD_BLOCK] = { { 0 } };
        memcpy(part[0], a + i, end - i);
        memcpy(part[1], b + i, end - i);
        store_128u(part[2], add16(s, load_128u(part[0]), load_128u(part[1])));
        memcpy(y + i, part[2], end - i);
    }
}

const lab_kernel x86_add_q8_avx2 = {
    .name = "x86.add.q8.avx2",
    .op = "add",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = add_q8_flat_prepare,
    .run = run,
};
