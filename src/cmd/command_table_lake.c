/* The commands that work on a lake. */
#include "cmd/command_table.h"

static const OptionInfo ONBOARD_OPTIONS[] = {
    {.name = "sample",
     .argument = "FILE",
     .help = "A file of the client as it comes: CSV, NDJSON or Parquet",
     .required = true},
    {.name = "yes", .letter = 'y', .help = "Take every guess without asking"},
    {.name = "force", .help = "Make the mapping anew although there is one"},
    JSON_OPTION,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo ONBOARD_EXAMPLES[] = {
    {"--lake lake onboard emart --sample emart.csv", "Guess what the columns mean, asking where it is not sure"},
    {"--lake lake onboard emart --sample emart.csv --yes", "Take every guess; the file written says how sure each is"},
    {"--lake lake onboard emart --sample emart.csv --force", "Guess anew, in place of the mapping that is there"},
    {0},
};

static const OptionInfo INIT_OPTIONS[] = {
    {.name = "currency", .argument = "CODE", .help = "The lake's currency by ISO 4217", .fallback = "USD"},
    {.name = "raw", .argument = "DIR", .help = "Where files as received lie; below the lake when not given"},
    {.name = "processed", .argument = "DIR", .help = "Where the table of shipments lies"},
    {.name = "quarantine", .argument = "DIR", .help = "Where rejected records lie"},
    {.name = "marts", .argument = "DIR", .help = "Where marts lie"},
    JSON_OPTION,
    {0},
};

static const ExampleInfo INIT_EXAMPLES[] = {
    {"init lake", "a lake in the folder lake"},
    {"init lake --currency EUR --raw /archive/raw", "amounts in euros, files as received elsewhere"},
    {0},
};

static const OptionInfo INGEST_OPTIONS[] = {
    {.name = "dry-run", .help = "Tell what would pass and what not, and change nothing"},
    JSON_OPTION,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo INGEST_EXAMPLES[] = {
    {"--lake lake ingest emart orders.csv", "one file"},
    {"--lake lake ingest emart 'inbox/*.csv' --json", "many; those the lake has already are passed over"},
    {"--lake lake ingest emart orders.csv --dry-run", "what would become of its records"},
    {0},
};

static const OptionInfo QUARANTINE_OPTIONS[] = {
    {.name = "file", .argument = "NAME", .help = "Only records of the source file of this name"},
    {.name = "rule", .argument = "CODE", .help = "Only records with this reason, such as not_a_date"},
    {.name = "row", .argument = "N", .help = "Only the record on this line of its file"},
    {.name = "limit", .argument = "N", .help = "show: records to show; 0 shows all", .fallback = "20"},
    {.name = "output", .letter = 'o', .argument = "FILE", .help = "export: write to FILE, not to standard output"},
    {.name = "raw", .help = "export: the records alone, of Parquet as JSON objects, without the form of a file"},
    {.name = "all", .help = "drop: all records of all clients"},
    {.name = "dry-run", .help = "Tell what would be done, and do nothing"},
    JSON_OPTION,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo QUARANTINE_EXAMPLES[] = {
    {"--lake lake quarantine list", "how many records wait, by file and reason"},
    {"--lake lake quarantine show emart --rule not_a_date", "the records, with all that is wrong with them"},
    {"--lake lake quarantine export emart -o mend.csv", "as they came, to be mended by hand"},
    {"--lake lake quarantine replay emart", "once more, with the mapping of today"},
    {"--lake lake quarantine drop emart --file test.csv", "give them up"},
    {0},
};

static const OptionInfo REBUILD_OPTIONS[] = {
    {.name = "dry-run", .help = "Tell what would come out, and change nothing"},
    JSON_OPTION,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo REBUILD_EXAMPLES[] = {
    {"--lake lake rebuild emart", "after the mapping was mended"},
    {"--lake lake rebuild emart --dry-run", "what would come out"},
    {0},
};

static const OptionInfo ERASE_OPTIONS[] = {
    {.name = "shipment", .argument = "ID", .help = "Only the shipment with this id"},
    {.name = "file",
     .argument = "FILE",
     .help = "Only what this file brought, by its name or the first digits of its SHA-256, so that it can come again"},
    {.name = "yes", .letter = 'y', .help = "Do not ask"},
    JSON_OPTION,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo ERASE_EXAMPLES[] = {
    {"--lake lake erase emart --shipment SH1234", "one shipment, out of everything"},
    {"--lake lake erase emart --yes", "all of a client's data"},
    {"--lake lake erase emart --file march.csv", "a wrong file, out again"},
    {0},
};

static const OptionInfo TABLE_OPTIONS[] = {
    {.name = "version", .argument = "N", .help = "restore: the version to go back to"},
    {.name = "as-of", .argument = "TIME", .help = "restore: the newest version not after TIME (2026-06-30T12:00:00Z)"},
    {.name = "limit", .argument = "N", .help = "Versions, files or problems to show; 0 shows all", .fallback = "20"},
    {.name = "sort-by", .argument = "COLUMN", .help = "compact: order rows by this column; shipment_date in the lake"},
    {.name = "target-size", .argument = "SIZE", .help = "compact: about how large files become"},
    {.name = "retention", .argument = "TIME", .help = "vacuum: keep what is younger, such as 7d or 168h"},
    {.name = "force", .help = "vacuum: also with a shorter retention than the table's"},
    {.name = "deep", .help = "fsck: read every page of every file"},
    {.name = "repair", .help = "fsck: go on without what is gone: files missing, log entries unreadable"},
    {.name = "dry-run", .help = "Tell what would be done, and do nothing"},
    JSON_OPTION,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo TABLE_EXAMPLES[] = {
    {"--lake lake table history shipments", "what changed, newest first"},
    {"--lake lake table restore shipments --version 12", "as it was; itself a new version"},
    {"--lake lake table compact shipments", "many small files into few"},
    {"--lake lake table vacuum shipments --dry-run", "files that no version needs any more"},
    {"--lake lake table fsck shipments --deep", "whether log and files are whole"},
    {0},
};

static const OptionInfo MARTS_OPTIONS[] = {
    {.name = "to", .argument = "DIR", .help = "export: the folder to write to, empty or not there yet"},
    {.name = "force", .help = "export: replace files of the same names in a folder that is not empty"},
    {.name = "run",
     .argument = "ID",
     .help =
         "export: begin a run of this id for a cluster, with the newest shipments; names, or the marts that are stale"},
    {.name = "full", .help = "export --run: all marts, also those that nothing changed"},
    {.name = "marts", .argument = "DIR", .help = "A folder of NAME.sql files, in place of the lake's definitions"},
    JSON_OPTION,
    {0},
};

static const ExampleInfo MARTS_EXAMPLES[] = {
    {"marts list", "the marts, how each is made, its tests and where its SQL is from"},
    {"--lake lake marts export --to exported", "their SQL and tests as files, such as for Spark"},
    {"marts export --to exported cost_analysis delay_trends", "two of them"},
    {"--lake lake marts export --run nightly-7", "the plan of a run: what a cluster is to make, and of which files"},
    {0},
};

static const OptionInfo PUBLISH_OPTIONS[] = {
    {.name = "marts", .argument = "DIR", .help = "A folder of NAME.sql files, when the run's plan was made of them"},
    {.name = "discard", .help = "Give the run up instead: remove its plan and what the cluster made"},
    JSON_OPTION,
    THREADS_OPTION,
    MEMORY_OPTIONS,
    {0},
};

static const ExampleInfo PUBLISH_EXAMPLES[] = {
    {"--lake lake publish nightly-7", "test what the cluster made, and commit it"},
    {"--lake lake publish nightly-7 --json", "the summary for a machine"},
    {0},
};

static const OptionInfo HISTORY_OPTIONS[] = {
    {.name = "kind",
     .argument = "KIND",
     .help = "Only these: ingest, run, replay, rebuild, erase, compact and the like"},
    {.name = "limit", .argument = "N", .help = "Records to show; 0 shows all", .fallback = "20"},
    JSON_OPTION,
    {0},
};

static const ExampleInfo HISTORY_EXAMPLES[] = {
    {"--lake lake history", "the last twenty jobs"},
    {"--lake lake history --kind ingest --json", "all about files taken in, for a machine"},
    {0},
};

static const OptionInfo STATUS_OPTIONS[] = {JSON_OPTION, {0}};
static const ExampleInfo STATUS_EXAMPLES[] = {{"--lake lake status", "freshness and size of tables and marts"}, {0}};

static const OptionInfo DOCTOR_OPTIONS[] = {
    {.name = "fix", .help = "Do what is safe: make folders, finish transactions, remove files of dead processes"},
    JSON_OPTION,
    {0},
};
static const ExampleInfo DOCTOR_EXAMPLES[] = {
    {"--lake lake doctor", "what is wrong, and what mends it"},
    {"--lake lake doctor --fix", "mend what can be mended at any time"},
    {0},
};

const CommandInfo LAKE_COMMANDS[] = {
    {.name = "init",
     .summary = "Make an empty lake",
     .operand = "DIR",
     .min_operands = 1,
     .max_operands = 1,
     .description =
         "Makes DIR a lake: its settings in freightlake.yaml, the zones raw, processed, quarantine and marts, and"
         " the empty tables.  DIR must be empty or not there yet.",
     .options = INIT_OPTIONS,
     .examples = INIT_EXAMPLES},
    {.name = "ingest",
     .summary = "Take a client's files into the lake",
     .operand = "CLIENT FILE...",
     .min_operands = 2,
     .max_operands = UINT32_MAX,
     .description =
         "Keeps each file as it is in the raw zone, turns its records into shipments by clients/CLIENT.yaml, and checks"
         " each against the contract.  Good records go to the table shipments, others to quarantine with their"
         " reasons.\n\n"
         "A file is known by its content: what the lake has already is passed over, and a run that was cut off is"
         " finished, so each record is there once.  A file of which too many records are rejected (max_rejected_share)"
         " is refused as a whole, with exit code 1.",
     .options = INGEST_OPTIONS,
     .examples = INGEST_EXAMPLES},
    {.name = "quarantine",
     .summary = "List, show, export, replay or drop rejected records",
     .operand = "ACTION [CLIENT]",
     .min_operands = 1,
     .max_operands = 2,
     .description =
         "ACTION is list, show, export, replay or drop.  Rejected records wait with their text, file, line and reasons."
         "  'replay' takes them through the mapping and the settings of today: what passes becomes shipments, each "
         "once,"
         " and the rest stays.\n\n"
         "'export' writes them as they came, as a file that 'ingest' of the client takes: with the header of their "
         "file and"
         " the form that the mapping says, in UTF-8 (with a byte order mark where the mapping says another encoding); "
         "of"
         " Parquet the rows of one file.  What such a file cannot hold, such as a quote that does not close, is counted"
         " and left to --raw.",
     .options = QUARANTINE_OPTIONS,
     .examples = QUARANTINE_EXAMPLES},
    {.name = "rebuild",
     .summary = "Compute a client's shipments again from its raw files",
     .operand = "CLIENT",
     .min_operands = 1,
     .max_operands = 1,
     .description =
         "Takes all of the client's raw files through the mapping and the contract of today and swaps the result in: a"
         " wrong mapping is mended this way.  Readers see all of the old or all of the new.",
     .options = REBUILD_OPTIONS,
     .examples = REBUILD_EXAMPLES},
    {.name = "erase",
     .summary = "Erase a client's data, or one shipment, for good",
     .operand = "CLIENT",
     .min_operands = 1,
     .max_operands = 1,
     .description =
         "Takes the data out of shipments, quarantine, raw files, older versions of tables and their logs, and makes "
         "the"
         " marts anew without it.  It cannot be undone, so it asks, or wants --yes.  The history keeps that it was done"
         " (of a shipment by a hash of its id), with names of files and counts; the mapping stays.  Where nothing is "
         "found,"
         " nothing is changed; an unknown client or shipment is an error (exit code 3).  A mart that breaks a test "
         "without"
         " the data (exit code 1), or whose definition is broken (2), loses its table, since it must not stay readable;"
         " 'run' makes it when it is mended.\n\n"
         "--file takes a wrong file out again: its rows in shipments and quarantine, and its raw copy; it is no longer"
         " known, so it can be ingested once it is mended.  Older versions keep its rows.",
     .options = ERASE_OPTIONS,
     .examples = ERASE_EXAMPLES},
    {.name = "table",
     .summary = "History, restore, compact, vacuum and fsck of a Delta table",
     .operand = "ACTION TABLE",
     .min_operands = 2,
     .max_operands = 2,
     .description =
         "ACTION is history, restore, compact, vacuum or fsck.  TABLE is shipments, quarantine, a mart's name, or the"
         " folder of any Delta table.  All are safe beside readers and writers, and say when there was nothing to do.",
     .options = TABLE_OPTIONS,
     .examples = TABLE_EXAMPLES},
    {.name = "marts",
     .summary = "List the marts, or export their SQL and tests",
     .operand = "ACTION [NAME]...",
     .min_operands = 1,
     .max_operands = UINT32_MAX,
     .description =
         "ACTION is list or export; without a NAME it is about all marts.  'export' writes each mart's SQL to"
         " DIR/NAME.sql, its tests to DIR/NAME.tests.yaml and, as one SELECT for each of the rows that break it, to"
         " DIR/tests/NAME.sql.  DIR/marts.json holds all of it for a program, with the hash of each definition, its"
         " columns and their types; where it is, the export is complete.  The SQL runs on Spark as it is.",
     .options = MARTS_OPTIONS,
     .examples = MARTS_EXAMPLES},
    {.name = "publish",
     .summary = "Test and commit the marts that a cluster made",
     .operand = "RUN",
     .min_operands = 1,
     .max_operands = 1,
     .description =
         "A cluster writes data files and an outcome to _freightlake/staging/RUN and commits nothing.  'publish' holds "
         "them against the plan of the run and the definitions of today, runs each mart's tests, and commits what "
         "passes; exit code 1 when a test failed, 3 when the cluster could not make a mart, which stops no other.  A "
         "run "
         "that is published already stays as it is, and no mart goes back to older shipments.",
     .options = PUBLISH_OPTIONS,
     .examples = PUBLISH_EXAMPLES},
    {.name = "history",
     .summary = "Show what happened in the lake",
     .operand = "ID",
     .max_operands = 1,
     .description =
         "Lists the jobs that changed the lake, or tried to, newest first; with an ID, or the beginning of one, that"
         " record in full.",
     .options = HISTORY_OPTIONS,
     .examples = HISTORY_EXAMPLES},
    {.name = "status",
     .summary = "Show how fresh and large the tables are",
     .description = "Lists the lake's tables and marts with version, rows, files, size and age, and says what 'run'"
                    " would make anew, or why a definition of a mart is broken.",
     .options = STATUS_OPTIONS,
     .examples = STATUS_EXAMPLES},
    {.name = "doctor",
     .summary = "Check that the lake is well",
     .description =
         "Checks settings, folders and permissions, room on the disk, mappings of clients, definitions and tests"
         " of marts, tables and their"
         " files, and what jobs that were cut off left behind.  Says for each finding what mends it; exit"
         " code 1 when something is wrong.",
     .options = DOCTOR_OPTIONS,
     .examples = DOCTOR_EXAMPLES},
    {.name = "onboard",
     .summary = "Learn what the columns of a client's files mean",
     .operand = "CLIENT",
     .min_operands = 1,
     .max_operands = 1,
     .description =
         "Looks at a client's own file and guesses which column is which, in which units, forms of dates and of "
         "numbers,"
         " what the words of status and transport mode mean, and which texts mean that there is no value. Writes"
         " clients/CLIENT.yaml in the lake with a comment on each guess and how sure it is, and shows which records"
         " would pass with it and which would not, and why.\n\n"
         "On a terminal it asks about guesses it is not sure of. Edit the file and repeat the command until content: a"
         " mapping that is there is kept and only tried, unless --force is given. Nothing is ingested.",
     .options = ONBOARD_OPTIONS,
     .examples = ONBOARD_EXAMPLES},
    {0},
};
