/*
 * depthwise_program.h: an 8-bit depthwise filter as the steps that vpmaddubsw can take exactly.
 *
 * That instruction multiplies u8 values with s8 weights and adds neighbouring products into int16,
 * saturating. A step is one of them: two taps of 32 channels, their weights interleaved. It is
 * exact when no two weights of one sign add up to more than 128: 255 * 128 < 2^15. Which taps are
 * paired is chosen for that; a tap that fits none stands alone, and one with weights that do not
 * fit in s8 is taken several times with parts of them.
 *
 * Steps are added modulo 2^16 in a group. Where the absolute weights of a group add up to at most
 * 257, its sums span at most 65535 values: started at `start`, minus their lowest, they are read
 * as u16 and widened to int32, with nothing lost. Nearly every filter is one group.
 *
 * A block is 32 neighbours in memory. Blocks go round in pixels: block b begins with channel
 * 32 b mod n, and its lanes run on into the next pixel, so that rows of any number of channels can
 * be taken as one array. Weights have their zero point subtracted; the input's is in the bias.
 */
#ifndef X86_DEPTHWISE_PROGRAM_H
#define X86_DEPTHWISE_PROGRAM_H

#include "../reference/layers.h"

#define DW_LANES ((size_t)32)
#define DW_MAX_TAPS 1024

/* What the sums of a block are made into bytes with, and where those of the first group start. */
typedef struct dw_head {
    int32_t bias[32]; /* by dw_lane; modulo 2^32, as all sums in int32 */
    float scale[32];  /* by dw_lane */
    float offset[32]; /* by dw_lane: 2^23 - bias; for plain blocks */
} dw_head;

/*
 * Filters with weights too large for steps to pay are `wide`: no groups, and each step is a pair of
 * taps for vpmaddwd, with int16 weights.
 */
typedef struct dw_block {
    uint32_t steps, groups; /* groups: 0 for wide ones */
    bool plain;             /* results need only be scaled, rounded and packed; see is_plain */
    dw_head *head;          /* followed by starts and weights */
    uint16_t *starts;       /* [groups][32]: channels as the sums of the weights */
    int8_t *weights; /* [steps][64]: channels as vpunpcklbw, then vpunpckhbw, leave them; wide:
                        int16 [steps][64], channels by dw_lane; two digits: lower and higher,
                        [steps][2][64], and int16 [32 by dw_lane] { 1, base } */
    uint16_t *taps;  /* [steps][2] */
    uint16_t *ends;  /* [groups]: the step after the last */
} dw_block;

/*
 * Place of channel `c` of a block after its sums were widened: four vectors of eight, each with
 * four channels of either half of the block.
 */
static inline size_t dw_lane(size_t c)
{
    return c % 16 / 4 * 8 + c / 16 * 4 + c % 4;
}

/* The blocks of a node; NULL: no memory. */
const dw_block *dw_program(lab_prepare *prepare, const lab_node *node, size_t blocks);

/* Whether the weights of a 3x3 or 5x5 filter can be two digits: those of any 3x3 filter can. */
bool dw_slide_fits(const lab_node *node);

/*
 * The blocks of such a filter for depthwise_slide_avx2.h or depthwise_columns_avx2.h: of one group,
 * plain, where sums of 16 bits do and the filter is 3x3; else of two digits, and no groups. Their
 * taps are not listed. NULL: no memory.
 */
const dw_block *dw_slide_program(lab_prepare *prepare, const lab_node *node, size_t blocks);

#endif
