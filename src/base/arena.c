/*
 * Arena: a list of blocks, each twice as large as the one before, cut from the front. Every block
 * is zeroed when it is taken and ends with LAB_TAIL bytes that are never handed out, so what
 * follows an allocation can be read whatever it is.
 */
#include "base/arena.h"

#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"

#define FIRST_BLOCK ((size_t)1024)
#define LARGEST_BLOCK ((size_t)1 << 18)

struct lab_arena_block {
    lab_arena_block *next;
    size_t capacity; /* bytes that can be handed out */
    size_t used;
};

#define HEADER_SIZE ((sizeof(lab_arena_block) + LAB_ALIGN - 1) / LAB_ALIGN * LAB_ALIGN)

void lab_arena_init(lab_arena *arena, lab_context *ctx)
{
    *arena = (lab_arena){ .ctx = ctx };
}

/* A block with room for `size` bytes, not yet in the list. */
static lab_arena_block *new_block(lab_arena *arena, size_t size)
{
    size_t total;
    if (!lab_add_size(size, HEADER_SIZE + LAB_TAIL, &total))
        return NULL;
    lab_arena_block *block = lab_alloc_zero(arena->ctx, total);
    if (block)
        block->capacity = size;
    return block;
}

/* The block that the next `size` bytes come from. */
static lab_arena_block *block_for(lab_arena *arena, size_t size)
{
    lab_arena_block *first = arena->blocks;
    if (first && first->capacity - first->used >= size)
        return first;

    size_t wanted = first ? 2 * first->capacity : FIRST_BLOCK;
    if (wanted > LARGEST_BLOCK)
        wanted = LARGEST_BLOCK;
    if (size <= wanted / 2 || !first) {
        lab_arena_block *block = new_block(arena, size > wanted ? size : wanted);
        if (block) {
            block->next = first;
            arena->blocks = block;
        }
        return block;
    }
    /* A large request gets a block of its own, behind the one that still has room. */
    lab_arena_block *own = new_block(arena, size);
    if (own) {
        own->next = first->next;
        first->next = own;
    }
    return own;
}

void *lab_arena_alloc(lab_arena *arena, size_t size)
{
    size_t rounded;
    if (!lab_round_up(size ? size : 1, LAB_ALIGN, &rounded))
        return NULL;
    lab_arena_block *block = block_for(arena, rounded);
    if (!block)
        return NULL;
    char *ptr = (char *)block + HEADER_SIZE + block->used;
    block->used += rounded;
    arena->total += size;
    return ptr;
}

void *lab_arena_array(lab_arena *arena, size_t count, size_t item)
{
    size_t size;
    return lab_mul_size(count, item, &size) ? lab_arena_alloc(arena, size) : NULL;
}

char *lab_arena_strdup(lab_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = lab_arena_alloc(arena, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void lab_arena_take(lab_arena *arena, lab_arena *from)
{
    lab_arena_block **end = &arena->blocks;
    while (*end)
        end = &(*end)->next;
    *end = from->blocks;
    arena->total += from->total;
    from->blocks = NULL;
    from->total = 0;
}

void lab_arena_reset(lab_arena *arena)
{
    for (lab_arena_block *block = arena->blocks; block;) {
        lab_arena_block *next = block->next;
        lab_free(arena->ctx, block);
        block = next;
    }
    arena->blocks = NULL;
    arena->total = 0;
}
