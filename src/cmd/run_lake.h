/* run over a lake. */
#ifndef FREIGHTLAKE_CMD_RUN_LAKE_H
#define FREIGHTLAKE_CMD_RUN_LAKE_H

#include "cmd/command.h"
#include "lake/lake.h"
#include "mart/registry.h"

Status run_lake(const Arguments *arguments, const Lake *lake, const Mart *const *marts, uint32_t n_marts,
                Arena *job_arena, Error *err) MUST_CHECK;

#endif
