/* How an object of unknown length is cut into the 10,000 parts that S3 allows: see s3_writer.c. */
#ifndef FREIGHTLAKE_STORAGE_S3_S3_PARTS_H
#define FREIGHTLAKE_STORAGE_S3_S3_PARTS_H

#include "storage/s3/s3_internal.h"

#define S3_EVEN_PARTS 1250u /* parts before their size doubles */
#define S3_DOUBLINGS 8u     /* 8 * 1,250 parts are all there are */

/* The part that holds the byte at `offset`: its index from 0, its start and its size; false beyond the last part. */
static inline bool s3_part_of(uint64_t offset, unsigned *ret_index, uint64_t *ret_start, size_t *ret_size)
{
    uint64_t start = 0;
    for (unsigned doubling = 0; doubling < S3_DOUBLINGS; doubling++) {
        uint64_t size = (uint64_t)S3_PIECE_BYTES << doubling, span = size * S3_EVEN_PARTS;
        if (offset < start + span) {
            uint64_t number = (offset - start) / size;
            *ret_index = doubling * S3_EVEN_PARTS + (unsigned)number;
            *ret_start = start + number * size;
            *ret_size = (size_t)size;
            return true;
        }
        start += span;
    }
    return false;
}

#endif
