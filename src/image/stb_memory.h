/*
 * Runs stb_image and stb_image_write on our allocator. They take memory through macros without a
 * context, so one scope a thread says whose memory it is and how much a file may cost. Whatever
 * they leave behind on a damaged file is freed with the scope, and their assertions end the scope
 * instead of the program.
 *
 *     lab_stb_scope scope;
 *     lab_stb_enter(&scope, ctx, budget);
 *     if (setjmp(scope.escape) == 0)
 *         pixels = stbi_load_from_memory(...);
 *     buffer = lab_stb_keep(&scope, pixels, size);
 *     lab_stb_leave(&scope);
 */
#ifndef LAB_IMAGE_STB_MEMORY_H
#define LAB_IMAGE_STB_MEMORY_H

#include <setjmp.h>

#include "base/buffer.h"

typedef struct lab_stb_block lab_stb_block;

typedef struct lab_stb_scope {
    lab_context *ctx;
    lab_stb_block *blocks;
    size_t used, budget; /* bytes */
    size_t refused;      /* the allocation the system refused; 0: none */
    bool over_budget;
    int level;      /* 0..9, of lab_stb_zlib: stb_image_write keeps its own in a global */
    jmp_buf escape; /* where a failed assertion goes */
    struct lab_stb_scope *outer;
} lab_stb_scope;

void lab_stb_enter(lab_stb_scope *scope, lab_context *ctx, size_t budget);
void lab_stb_leave(lab_stb_scope *scope);

/* Moves a block out of the scope into a buffer of `size` bytes with the usual alignment and tail;
 * NULL when there is no memory (the block then stays with the scope). */
lab_buffer *lab_stb_keep(lab_stb_scope *scope, void *ptr, size_t size);

/* What the macros of stb_impl.c expand to. */
void *lab_stb_malloc(size_t size);
void *lab_stb_realloc(void *ptr, size_t old_size, size_t size);
void lab_stb_free(void *ptr);
_Noreturn void lab_stb_assertion_failed(void);
/* A zlib stream at the scope's level for stb_image_write; NULL when there is no memory. */
unsigned char *lab_stb_zlib(const unsigned char *data, int size, int *out_size, int unused);

#endif
