/* Memory, assertions and compression of the stb libraries: see stb_memory.h. */
#include <limits.h>
#include <string.h>

#include "base/checked.h"
#include "image/deflate.h"
#include "image/stb_memory.h"

/* In front of every block; its size keeps what follows aligned. */
struct lab_stb_block {
    lab_stb_block *prev, *next;
    lab_context *ctx; /* once kept, the block outlives its scope */
    size_t size;
    char align[LAB_ALIGN - 4 * sizeof(void *)];
};
_Static_assert(sizeof(lab_stb_block) == LAB_ALIGN, "blocks must keep the alignment");

/* The scope the calling thread is in: the libraries' macros cannot be passed one. */
static _Thread_local lab_stb_scope *current;

void lab_stb_enter(lab_stb_scope *scope, lab_context *ctx, size_t budget)
{
    memset(scope, 0, sizeof *scope);
    scope->ctx = ctx;
    scope->budget = budget;
    scope->outer = current;
    current = scope;
}

static void unlink_block(lab_stb_scope *scope, lab_stb_block *block)
{
    if (block->prev)
        block->prev->next = block->next;
    else
        scope->blocks = block->next;
    if (block->next)
        block->next->prev = block->prev;
    scope->used -= block->size;
}

void lab_stb_leave(lab_stb_scope *scope)
{
    while (scope->blocks) {
        lab_stb_block *block = scope->blocks;
        unlink_block(scope, block);
        lab_free(scope->ctx, block);
    }
    current = scope->outer;
}

static void release_kept(void *user, void *data)
{
    (void)user;
    lab_stb_block *block = (lab_stb_block *)data - 1;
    lab_free(block->ctx, block);
}

lab_buffer *lab_stb_keep(lab_stb_scope *scope, void *ptr, size_t size)
{
    lab_stb_block *block = (lab_stb_block *)ptr - 1;
    lab_buffer *buffer = lab_buffer_wrap(scope->ctx, ptr, size, release_kept, NULL);
    if (!buffer) {
        scope->refused = sizeof(lab_stb_block);
        return NULL;
    }
    unlink_block(scope, block);
    block->ctx = scope->ctx;
    /* The block was allocated with room for the tail: its bytes are defined, too. */
    memset((char *)ptr + size, 0, LAB_TAIL);
    return buffer;
}

void *lab_stb_malloc(size_t size)
{
    lab_stb_scope *scope = current;
    size_t total;
    if (!scope || !lab_add_size(size, sizeof(lab_stb_block) + LAB_TAIL, &total))
        return NULL;
    if (size > scope->budget - scope->used) {
        scope->over_budget = true;
        return NULL;
    }
    lab_stb_block *block = lab_alloc(scope->ctx, total);
    if (!block) {
        scope->refused = size;
        return NULL;
    }
    block->prev = NULL;
    block->next = scope->blocks;
    block->ctx = scope->ctx;
    block->size = size;
    if (block->next)
        block->next->prev = block;
    scope->blocks = block;
    scope->used += size;
    return block + 1;
}

void *lab_stb_realloc(void *ptr, size_t old_size, size_t size)
{
    void *grown = lab_stb_malloc(size);
    if (!grown || !ptr)
        return grown;
    memcpy(grown, ptr, old_size < size ? old_size : size);
    lab_stb_free(ptr);
    return grown;
}

void lab_stb_free(void *ptr)
{
    if (!ptr || !current)
        return;
    lab_stb_block *block = (lab_stb_block *)ptr - 1;
    unlink_block(current, block);
    lab_free(current->ctx, block);
}

_Noreturn void lab_stb_assertion_failed(void)
{
    longjmp(current->escape, 1);
}

unsigned char *lab_stb_zlib(const unsigned char *data, int size, int *out_size, int unused)
{
    (void)unused;
    if (!current)
        return NULL;
    size_t room = lab_deflate_bound((size_t)size);
    unsigned char *out = room <= INT_MAX ? lab_stb_malloc(room) : NULL;
    if (!out)
        return NULL;
    size_t used = lab_deflate(data, (size_t)size, current->level, out, room);
    if (used == 0) {
        current->refused = room;
        lab_stb_free(out);
        return NULL;
    }
    *out_size = (int)used;
    return out;
}
