/* The scalar functions of the dialect: one table that the binder types by, the executor evaluates by and the SQL
 * reference is made from.
 *
 * Semantics are Spark 3.5's with ansi.enabled=false: nothing in a row ever fails, a result that does not exist is NULL.
 * Operators, CASE, AND/OR, CAST and functions are all rows of this table, and all are evaluated eagerly on whole
 * vectors; since no kernel can fail, eager CASE is the same as lazy CASE.
 *
 * Kernels see FLAT vectors of n rows only (the executor flattens, or runs them once over a dictionary's entries), with
 * argument types exactly as `bind` left them. */
#ifndef FREIGHTLAKE_COLUMNAR_FUNCTION_H
#define FREIGHTLAKE_COLUMNAR_FUNCTION_H

#include "columnar/vector.h"

#define FUNCTION_MAX_ARGS 1024

typedef struct Function Function;

/* What a call may need beyond its vectors; made by the binder, read-only afterwards. */
typedef struct FunctionCall {
    const Function *function;
    DataType type; /* of the result */
    uint32_t n_args;
    const DataType *arg_types;
    const Value *constants; /* n_args; .type.id == TYPE_COUNT where the argument is not a constant */
} FunctionCall;

struct Function {
    const char *name; /* lower case; operators by their sign: "+", "=", "and", "case", "cast", "is_null" */
    uint32_t min_args;
    uint32_t max_args; /* UINT32_MAX: any number */
    /* Given the types of the arguments, sets want[i] (the type argument i must be cast to) and *ret_type.  For "cast"
     * *ret_type comes in as the target.  Fails with code SQL and a message that names the function and the types. */
    Status (*bind)(const Function *function, const DataType *given, const Value *constants, uint32_t n_args,
                   DataType *want, DataType *ret_type, Error *err);
    /* result: made by the callee with vector_new in `arena`, n rows, type call->type. */
    void (*evaluate)(const FunctionCall *call, const Vector *args, uint32_t n, Arena *arena, Vector *result);
    const char *signature; /* for docs: "round(x [, digits])" */
    const char *meaning;   /* for docs, one sentence, NULL behaviour included */
    const char *example;   /* for docs and tests: "round(1.005, 2)" */
    const char *result;    /* text of the example's value */
    const char *types;     /* of functions with fixed types only (see bind_fixed in coerce.h), else NULL */
};

/* NULL when there is none. */
const Function *function_find(const char *name);
/* All functions, in the order of the reference. */
const Function *function_table(size_t *ret_n);

/* CAST of every type to every other; NULL where the text or value does not fit.  `result` has the same n; a CONST stays
 * CONST and a DICT with no more entries than rows stays DICT (codes shared, entries cast anew). */
void cast_vector(const Vector *source, DataType target, Arena *arena, Vector *result);
/* Whether Spark allows this cast at all. */
bool cast_allowed(DataType from, DataType to);

#endif
