#!/bin/sh
# Makes one private object of libpg_query that exports only what src/sql calls.
#
# The library defines thousands of plain global names (list_concat, palloc, XXH64, protobuf_c_...) which would meet those
# of other libraries in a static link.  One relocatable link merges the needed members; objcopy makes the rest local.
set -eu
archive=$1 output=$2 linker=$3 objcopy=$4
symbols="pg_query_scan pg_query_free_scan_result pg_query_parse_protobuf pg_query_free_protobuf_parse_result
pg_query__scan_result__unpack pg_query__parse_result__unpack"

merged=$(mktemp "$output.XXXXXX")
trap 'rm -f "$merged"' EXIT
undefined='' keep=''
for symbol in $symbols; do
    undefined="$undefined -u $symbol"
    keep="$keep --keep-global-symbol=$symbol"
done
# shellcheck disable=SC2086 # both lists are split on purpose
"$linker" -r $undefined -o "$merged" "$archive"
# shellcheck disable=SC2086
"$objcopy" $keep --strip-unneeded --remove-section=.comment "$merged" "$output"
