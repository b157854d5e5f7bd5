/* A little evaluator for tests of the function table: one expression as text, evaluated over several equal rows.
 *
 *   expression := operand [operator operand]...          left to right, no precedence
 *   operand    := number | 'text' | NULL | true | false | DATE 'text' | TIMESTAMP 'text' | CAST(expression AS type)
 *               | function(expression, ...) | (expression) | -number
 *
 * Numbers are typed as in Spark: 1 int, 3000000000 bigint, 1.50 decimal(3,2), 1e3 double. */
#ifndef FREIGHTLAKE_TESTS_EVALUATOR_H
#define FREIGHTLAKE_TESTS_EVALUATOR_H

#include "columnar/function.h"

#define EVALUATOR_ROWS 37

/* Fails with code SQL when it cannot be parsed or bound. */
Status evaluate_expression(const char *text, Arena *arena, Vector *ret_result, Error *err) MUST_CHECK;

/* "NULL", or the value of the last row as CAST AS STRING gives it; "ROWS DIFFER" when the rows are not all the same;
 * "REFUSED: message" when it cannot be parsed or bound.  `ret_type` gets the type's name (32 bytes), or NULL. */
const char *evaluate_to_text(const char *text, Arena *arena, char *ret_type);

/* "decimal(18,4)", "double", "string": false when there is no such type. */
bool evaluator_type(StrView name, DataType *ret);

#endif
