/* The table of commands and options: what freightlake can be told, in one place.
 *
 * Everything that speaks of options is made from here (options.c parses, help.c prints help, man page and completions),
 * so a text is written once, for the person who types. */
#include "cmd/command_table.h"
#include "cmd/lake_table.h"

#define FILE_OPTION                                                                                                    \
    {                                                                                                                  \
        .name = "file", .letter = 'f', .argument = "FILE",                                                             \
        .help = "Read the SQL from FILE instead of the command line"                                                   \
    }

static const OptionInfo GLOBAL_OPTIONS[] = {
    {.name = "help", .letter = 'h', .help = "Show help, with examples"},
    {.name = "version", .help = "Show the version"},
    {.name = "lake",
     .argument = "DIR",
     .help = "The lake to work on; else the one FREIGHTLAKE_LAKE names, else the current folder"},
    {.name = "log-format",
     .argument = "text|json",
     .help = "How messages on standard error are written",
     .fallback = "text"},
    {.name = "log-level",
     .argument = "debug|info|warn|error",
     .help = "The least important message to write",
     .fallback = "info"},
    {.name = "no-progress", .help = "Show no progress, also on a terminal"},
    {.name = "color",
     .argument = "auto|never|always",
     .help = "Colour in tables; auto is on a terminal only",
     .fallback = "auto"},
    {0},
};

static const OptionInfo GENERATE_OPTIONS[] = {
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .help = "Folder for the files; made when missing",
     .required = true},
    {.name = "rows", .letter = 'n', .argument = "N", .help = "Number of shipments", .fallback = "50000"},
    {.name = "seed", .argument = "N", .help = "The same seed gives the same bytes", .fallback = "1"},
    {.name = "files", .argument = "N", .help = "Number of files the rows are spread over", .fallback = "1"},
    {.name = "format", .argument = "parquet|csv|ndjson", .help = "What the files are", .fallback = "parquet"},
    {.name = "as-of",
     .argument = "DATE",
     .help = "The day the data is looked at: the last shipment date",
     .fallback = "2025-06-30"},
    {.name = "scenario",
     .argument = "original|swiftship",
     .help =
         "original: the reference data, uniform; swiftship: a company with a year of history, carriers and lanes that"
         " differ, seasons, promised dates and shipments under way",
     .fallback = "original"},
    {.name = "codec",
     .argument = "snappy|zstd|uncompressed",
     .help = "Compression of Parquet files",
     .fallback = "snappy"},
    {.name = "unique-ids", .help = "Give every shipment an id of its own"},
    {.name = "bad-rows",
     .argument = "SHARE",
     .help = "Share of rows, 0 to 0.5, that are wrong, over all kinds of wrong",
     .fallback = "0"},
    {.name = "bad-kind",
     .argument = "KIND=SHARE",
     .help = "Share of rows that are wrong in this one way",
     .repeatable = true},
    THREADS_OPTION,
    {0},
};

static const ExampleInfo GENERATE_EXAMPLES[] = {
    {"generate --rows 1400000 --seed 7 --files 28 --out shipments", "1.4 million shipments in 28 Parquet files"},
    {"generate --rows 50000 --format csv --out day --as-of 2025-07-01", "one day's data as CSV"},
    {"generate --scenario swiftship --rows 1000000 --out company", "a company worth looking at"},
    {0},
};

static const OptionInfo RUN_OPTIONS[] = {
    {.name = "from",
     .argument = "FILES",
     .help = "Shipments in Parquet instead of a lake: a file, a folder, or a quoted glob"},
    {.name = "to", .argument = "DIR", .help = "With --from: folder of the marts, each in DIR/NAME/NAME.parquet"},
    {.name = "full", .help = "In a lake: make marts from all shipments, also those that nothing changed"},
    {.name = "mart", .letter = 'm', .argument = "MART", .help = "Make only this mart", .repeatable = true},
    {.name = "marts", .argument = "DIR", .help = "A folder of NAME.sql files that add marts or replace built-in ones"},
    {.name = "engine",
     .argument = "local|spark|auto",
     .help = "In a lake: this program, a Spark cluster, or whichever the bytes to read ask for",
     .fallback = "local"},
    {.name = "spark-master",
     .argument = "URL",
     .help = "The cluster, such as spark://HOST:7077; else the lake's setting"},
    {.name = "spark-submit",
     .argument = "PATH",
     .help = "The program that reaches it; else the lake's setting, SPARK_HOME, or the one in PATH"},
    {.name = "explain", .help = "In a lake: say which engine it would be and why, and do nothing"},
    {.name = "json", .help = "Print the summary as one JSON object"},
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo RUN_EXAMPLES[] = {
    {"--lake lake run", "bring all marts of the lake up to date"},
    {"--lake lake run --mart delay_trends --json", "one of them, summary for a machine"},
    {"--lake lake run --engine spark --spark-master spark://HOST:7077", "the same marts, made by a cluster"},
    {"--lake lake run --engine auto --explain", "whether a cluster would be worth it"},
    {"run --from 'shipments/*.parquet' --to marts", "all five marts from one pass over the files"},
    {"run --from shipments --to marts --mart cost_analysis --mart delay_trends", "two of them"},
    {"run --from shipments --to marts --marts my-marts --json", "with your own definitions, summary for a machine"},
    {0},
};

static const OptionInfo QUERY_OPTIONS[] = {
    FILE_OPTION,
    {.name = "format", .argument = "table|csv|json|ndjson", .help = "How the result is printed", .fallback = "table"},
    {.name = "output",
     .letter = 'o',
     .argument = "FILE",
     .help = "Write the result to FILE, whole or not at all; .parquet, .csv, .json or .ndjson says the format"},
    {.name = "limit-rows", .argument = "N", .help = "Rows shown in a table; 0 shows all", .fallback = "100"},
    TIME_TRAVEL_OPTIONS,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo QUERY_EXAMPLES[] = {
    {"query \"SELECT carrier, count(*) AS n FROM 'shipments/*.parquet' GROUP BY carrier ORDER BY n DESC\"",
     "shipments of each carrier"},
    {"query --file report.sql --format csv > report.csv", "a statement kept in a file, as CSV"},
    {"query \"SELECT * FROM 'shipments' WHERE delay_days >= 2\" --output late.parquet", "keep the late ones in a file"},
    {"--lake lake query \"SELECT client, count(*) FROM shipments GROUP BY client\"", "over a table of a lake"},
    {"--lake lake query \"SELECT * FROM carrier_performance\" --version 3", "a mart as it was at version 3"},
    {"--lake lake query \"SELECT s.client, p.zone FROM shipments AS s JOIN 'places.parquet' AS p"
     " ON s.destination = p.city\"",
     "a lake's table beside a file"},
    {"query - --format ndjson < report.sql", "the statement from standard input"},
    {0},
};

static const OptionInfo EXPLAIN_OPTIONS[] = {
    {.name = "analyze", .help = "Run the statement and show rows, time, memory and skipped row groups"},
    {.name = "mart", .letter = 'm', .argument = "MART", .help = "Explain this mart instead of a statement"},
    {.name = "from", .argument = "FILES", .help = "The shipments that --mart reads; else those of the lake"},
    {.name = "marts", .argument = "DIR", .help = "A folder of NAME.sql files that add marts or replace built-in ones"},
    FILE_OPTION,
    TIME_TRAVEL_OPTIONS,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo EXPLAIN_EXAMPLES[] = {
    {"explain \"SELECT carrier, avg(delay_days) AS d FROM 'shipments' GROUP BY carrier\"", "the plan"},
    {"explain --analyze \"SELECT count(*) AS n FROM 'shipments' WHERE shipment_date >= '2025-06-01'\"",
     "what running it costs, and what it skips"},
    {"explain --mart cost_analysis --from shipments", "how a mart is made"},
    {0},
};

static const OptionInfo INSPECT_OPTIONS[] = {
    {.name = "json", .help = "Print one JSON object"},
    {.name = "columns", .help = "Show every column chunk of every row group, not a sum per column"},
    {0},
};

static const ExampleInfo INSPECT_EXAMPLES[] = {
    {"inspect marts/cost_analysis/cost_analysis.parquet", "schema, row groups, encodings, sizes and statistics"},
    {"inspect shipments/part-00000.parquet --json", "the same for a machine, every column chunk"},
    {0},
};

static const OptionInfo SHOW_OPTIONS[] = {
    {.name = "from", .argument = "DIR", .help = "Folder of the marts, the one given to run --to; else the lake's"},
    TIME_TRAVEL_OPTIONS,
    {.name = "rows",
     .letter = 'n',
     .argument = "N",
     .help = "Rows to show; 0 shows all, as formats other than table do unless it is given",
     .fallback = "20"},
    {.name = "format",
     .argument = "table|csv|json|ndjson",
     .help = "table is for people; the others give the values as they are",
     .fallback = "table"},
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo SHOW_EXAMPLES[] = {
    {"--lake lake show carrier_performance", "who is late, and what it costs"},
    {"show carrier_performance --from marts", "who is late, and what it costs"},
    {"show cost_analysis --from marts --rows 5", "the five cheapest shipments per kilometre"},
    {"show delay_trends --from marts --format csv", "the whole mart as CSV"},
    {0},
};

static const ExampleInfo VERSION_EXAMPLES[] = {{"version", "the version"}, {0}};
static const ExampleInfo HELP_EXAMPLES[] = {{"help run", "the same as freightlake run --help"}, {0}};
static const ExampleInfo COMPLETION_EXAMPLES[] = {
    {"completion bash > ~/.local/share/bash-completion/completions/freightlake", "for bash"},
    {"completion zsh > \"${fpath[1]}/_freightlake\"", "for zsh"},
    {"completion fish > ~/.config/fish/completions/freightlake.fish", "for fish"},
    {0},
};
static const ExampleInfo MAN_EXAMPLES[] = {{"man > freightlake.1", "the manual page in roff"}, {0}};

static const ExampleInfo REFERENCE_EXAMPLES[] = {{"reference", "the second half of docs/cli.md"}, {0}};

static const CommandInfo COMMANDS[] = {
    {.name = "generate",
     .summary = "Make synthetic shipments",
     .description =
         "Writes shipments whose distributions are those of the reference platform.  The same seed gives the same"
         " bytes whatever the number of threads.",
     .options = GENERATE_OPTIONS,
     .examples = GENERATE_EXAMPLES},
    {.name = "run",
     .summary = "Turn shipments into marts",
     .description =
         "In a lake, makes the marts whose shipments or definition changed, checks each new version by the tests"
         " beside its SQL, and publishes what passes as a Delta table; what fails leaves the version before"
         " and gives exit code 1.  Tests that changed run on the version that stands.  A mart whose definition is "
         "broken stays as it is: the others are made, and the exit"
         " code is 2.  Aggregates are made from new files and what is kept of the others.  When"
         " nothing changed it says so.  LAKE/definitions/NAME.sql and NAME.tests.yaml add marts or replace"
         " built-in ones.\n\n"
         "With --from and --to it reads Parquet files of shipments once and makes every mart from that one "
         "pass.  The files' columns are found by"
         " name and cast to the shipment's types, so dates may be text or dates.\n\n"
         "Everything is checked before anything is replaced: a missing column, a wrong type or a broken "
         "file leaves all marts"
         " as they were.  Each mart's file is replaced whole or not at all.\n\n"
         "A mart is one SELECT over the table shipments.  The five built-in marts are carrier_performance,"
         " route_efficiency, cost_analysis, delay_trends and warehouse_demand; --marts adds your own.",
     .options = RUN_OPTIONS,
     .examples = RUN_EXAMPLES},
    {.name = "show",
     .summary = "Print a mart, or another table of the lake, as a person wants to read it",
     .operand = "MART",
     .min_operands = 1,
     .max_operands = 1,
     .description = "Prints the first rows of a mart that 'run' made, with units and readable numbers, and says how "
                    "old it is.  On a"
                    " lake, shipments and quarantine can be shown too.",
     .options = SHOW_OPTIONS,
     .examples = SHOW_EXAMPLES},
    {.name = "query",
     .summary = "Run one SQL statement over a lake or over Parquet files",
     .operand = "SQL",
     .min_operands = 0,
     .max_operands = 1,
     .description =
         "Runs a SELECT.  A plain name after FROM or JOIN is a table of the lake: shipments, quarantine, or a mart.  A "
         "string names a Delta table by its folder, or files: one file, a folder (its *.parquet files), or a "
         "glob.  All of them must have"
         " the same columns; the first file gives the types.  SQL may be '-' for standard input, or come "
         "from --file.\n\n"
         "In a table NULL is a missing value, and a text that reads NULL is quoted.  CSV follows RFC 4180: "
         "a missing value is"
         " empty and an empty text is \"\".  In JSON numbers keep all their digits; NaN and Infinity are "
         "strings.  Binary values"
         " are hexadecimal.",
     .options = QUERY_OPTIONS,
     .examples = QUERY_EXAMPLES},
    {.name = "explain",
     .summary = "Show how a statement is run",
     .operand = "SQL",
     .min_operands = 0,
     .max_operands = 1,
     .description =
         "Prints the plan of a SELECT, one operator a line, the input innermost.  With --analyze the statement is run,"
         " its result is thrown away, and each operator says what it did.  With --mart it is a mart's statement.",
     .options = EXPLAIN_OPTIONS,
     .examples = EXPLAIN_EXAMPLES},
    {.name = "inspect",
     .summary = "Show what is in a Parquet file",
     .operand = "FILE",
     .min_operands = 1,
     .max_operands = 1,
     .description =
         "Prints a file's schema, row groups, encodings, compression, sizes and statistics from its footer; no data"
         " is read.",
     .options = INSPECT_OPTIONS,
     .examples = INSPECT_EXAMPLES},
    {.name = "completion",
     .summary = "Print a shell's completion script",
     .operand = "SHELL",
     .min_operands = 1,
     .max_operands = 1,
     .description = "SHELL is bash, zsh or fish.  The scripts are made from the same table as this help.",
     .examples = COMPLETION_EXAMPLES},
    {.name = "help",
     .summary = "Show the help of a command",
     .operand = "COMMAND",
     .min_operands = 0,
     .max_operands = 1,
     .description = "Without COMMAND, lists the commands.",
     .examples = HELP_EXAMPLES},
    {.name = "version",
     .summary = "Show the version",
     .description = "Prints the version of this program.",
     .examples = VERSION_EXAMPLES},
    {.name = "man",
     .summary = "Print the manual page",
     .description = "Prints the manual page in roff, for packagers.",
     .examples = MAN_EXAMPLES,
     .hidden = true},
    {.name = "reference",
     .summary = "Print the reference of commands and options",
     .description = "Prints the commands and options in Markdown, for the documents.",
     .examples = REFERENCE_EXAMPLES,
     .hidden = true},
    {0},
};

const CommandInfo *command_table(void)
{
    static CommandInfo all[64]; /* put together once, by the first caller, before there are threads */
    if (all[0].name)
        return all;
    size_t n = 0;
    for (const CommandInfo *command = LAKE_COMMANDS; command->name; command++)
        all[n++] = *command;
    for (const CommandInfo *command = COMMANDS; command->name; command++)
        all[n++] = *command;
    CHECK(n < ARRAY_SIZE(all));
    return all;
}

const OptionInfo *global_options(void)
{
    return GLOBAL_OPTIONS;
}
