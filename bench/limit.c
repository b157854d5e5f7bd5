/* limit: how fast these files could be turned into these marts by a program that knows everything beforehand.
 *
 * The yardstick of `make bench`, no part of the product.  It does the physical work and nothing else: read the column
 * chunks, unpack dictionary codes, aggregate or sort, pack the sorted columns again and write them.  What a real engine
 * must find out is hard-coded: the values of every dictionary column, their ranges, that nothing is NULL, that every
 * chunk is dictionary-encoded and not compressed (a chunk that is not ends the program).  Where the chunks lie comes
 * from an index that limit_index.py makes beforehand.  The sorted rows are the same bytes as Parquet pages would hold,
 * without headers and footer.
 *
 *   limit INDEX all|aggregates|sort OUT
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "limit: line %d: not as expected: %s\n", __LINE__, #condition);                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

enum { CARRIER, ORIGIN, CITY, STATUS, DELAY, COST, DISTANCE, SHIPPED, DELIVERED, WEIGHT, VOLUME, COLUMNS };
enum { MAX_THREADS = 64, MAX_ENTRIES = 65536, BUCKETS = 4096, PAGE_ROWS = 65536, GROUP_ROWS = 1 << 20, SLACK = 64 };

static const char *const CARRIERS[] = {"FedEx", "UPS", "DHL", "USPS", "OnTrac", "Ryder", "Amazon Logistics"};
static const char *const WAREHOUSES[] = {"NY_Warehouse", "TX_Warehouse", "CA_Warehouse", "IL_Warehouse"};
static const char *const CITIES[] = {"Los Angeles", "Chicago", "Miami",   "Seattle",
                                     "Boston",      "Denver",  "Atlanta", "Houston"};
static const char *const STATUSES[] = {"Delayed", "Delivered"};

/* A dictionary entry as a small integer: an id, days, cents, tenths of a kg, litres, km. */
static const struct {
    const char *const *words; /* NULL: a date */
    uint32_t n_words;
    double scale; /* of numbers; 0: text */
    bool is_integer;
} KINDS[COLUMNS] = {
    [CARRIER] = {CARRIERS, 7, 0, false}, [ORIGIN] = {WAREHOUSES, 4, 0, false}, [CITY] = {CITIES, 8, 0, false},
    [STATUS] = {STATUSES, 2, 0, false},  [DELAY] = {NULL, 0, 1, true},         [COST] = {NULL, 0, 100, false},
    [DISTANCE] = {NULL, 0, 1, true},     [SHIPPED] = {NULL, 0, 0, false},      [DELIVERED] = {NULL, 0, 0, false},
    [WEIGHT] = {NULL, 0, 10, false},     [VOLUME] = {NULL, 0, 100, false},
};

typedef struct Group { /* a row group, as the index has it */
    char *path;
    uint32_t rows;
    uint64_t offset[COLUMNS];
    uint64_t bytes[COLUMNS];
} Group;

typedef struct Record {
    uint64_t key;     /* bits of the positive double cost_per_km, which order as the double does */
    uint64_t payload; /* weight, volume, cost, distance, carrier at FIELD_SHIFT, FIELD_BITS each */
} Record;

enum { FIELDS = 5 };
static const int FIELD_COLUMN[FIELDS] = {WEIGHT, VOLUME, COST, DISTANCE, CARRIER};
static const uint32_t FIELD_BITS[FIELDS] = {9, 7, 14, 13, 3};
static const uint32_t FIELD_SHIFT[FIELDS] = {0, 9, 16, 30, 43};

typedef struct Cell {
    int64_t n, late, delivered, delay, distance, transit, cents;
} Cell;

static Group *groups;
static uint32_t n_groups;
static uint64_t n_rows;
static int n_threads;
static bool aggregating, sorting;
static _Atomic uint32_t next_group, next_bucket, next_output;
static _Atomic uint64_t n_records, output_bytes;
static int output;
static pthread_barrier_t barrier;

static Cell cells[MAX_THREADS][256];
static Record *records, *scattered;
static uint64_t lowest_key;
static uint32_t key_shift;
static uint64_t positions[MAX_THREADS][BUCKETS];
static uint64_t bucket_start[BUCKETS + 1];

typedef struct PageHeader {
    int64_t type, bytes, values;
} PageHeader;

static uint64_t read_varint(const uint8_t **at)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
}

/* Thrift's compact protocol as far as a page header needs it; `parent` is the field the struct stands in. */
static void read_struct(const uint8_t **at, int parent, PageHeader *header)
{
    for (int field = 0;;) {
        uint8_t byte = *(*at)++;
        if (byte == 0)
            return;
        field = byte >> 4 ? field + (byte >> 4) : (int)(read_varint(at) >> 1);
        switch (byte & 15) {
        case 1:
        case 2:
            break;
        case 5:
        case 6: {
            uint64_t zigzag = read_varint(at);
            int64_t value = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
            if (parent == 0 && field == 1)
                header->type = value;
            else if (parent == 0 && field == 3)
                header->bytes = value;
            else if ((parent == 5 || parent == 7) && field == 1)
                header->values = value;
            break;
        }
        case 8: {
            uint64_t length = read_varint(at);
            *at += length;
            break;
        }
        case 12:
            read_struct(at, parent == 0 ? field : -1, header);
            break;
        default:
            REQUIRE(!"a thrift type that page headers do not have");
        }
    }
}

static uint32_t word_id(const char *const *words, uint32_t n, const uint8_t *text, uint32_t length)
{
    for (uint32_t i = 0; i < n; i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return i;
    REQUIRE(!"a known word");
    return 0;
}

static uint32_t date_days(const uint8_t *text)
{
    int32_t part[3] = {0};
    for (int i = 0, p = 0; i < 10; i++) {
        if (text[i] == '-')
            p++;
        else
            part[p] = part[p] * 10 + text[i] - '0';
    }
    return (uint32_t)days_from_civil(part[0], part[1], part[2]);
}

static void read_dictionary(int column, const uint8_t *at, int64_t n, uint32_t *entries)
{
    REQUIRE(n <= MAX_ENTRIES);
    for (int64_t i = 0; i < n; i++) {
        if (KINDS[column].scale != 0) {
            double number;
            int64_t integer;
            memcpy(&number, at, 8);
            memcpy(&integer, at, 8);
            entries[i] = (uint32_t)((KINDS[column].is_integer ? (double)integer : number) * KINDS[column].scale + 0.5);
            at += 8;
        } else {
            uint32_t length;
            memcpy(&length, at, 4);
            entries[i] = KINDS[column].words ? word_id(KINDS[column].words, KINDS[column].n_words, at + 4, length)
                                             : date_days(at + 4);
            at += 4 + length;
        }
    }
}

static inline __attribute__((always_inline)) void unpack(const uint8_t *at, uint32_t n, uint32_t width, uint16_t *codes)
{
    uint64_t mask = (1ull << width) - 1;
    for (uint32_t i = 0; i < n; i += 4, codes += 4) { /* four codes of at most 14 bits and 7 to skip fit in a word */
        uint64_t bit = (uint64_t)i * width, word;
        memcpy(&word, at + (bit >> 3), 8);
        word >>= bit & 7;
        codes[0] = (uint16_t)(word & mask);
        codes[1] = (uint16_t)(word >> width & mask);
        codes[2] = (uint16_t)(word >> 2 * width & mask);
        codes[3] = (uint16_t)(word >> 3 * width & mask);
    }
}

static void unpack_any(const uint8_t *at, uint32_t n, uint32_t width, uint16_t *codes)
{
    switch (width) {
#define WIDTH(w)                                                                                                       \
    case w:                                                                                                            \
        unpack(at, n, w, codes);                                                                                       \
        break;
        WIDTH(1)
        WIDTH(2)
        WIDTH(3)
        WIDTH(4)
        WIDTH(5)
        WIDTH(6)
        WIDTH(7)
        WIDTH(8)
        WIDTH(9)
        WIDTH(10)
        WIDTH(11)
        WIDTH(12)
        WIDTH(13)
        WIDTH(14)
#undef WIDTH
    default:
        REQUIRE(!"codes of at most 14 bits");
    }
}

/* Runs and packed groups of one page into codes[0..n), which has room for a group more. */
static void read_codes(const uint8_t *at, int64_t n, uint16_t *codes)
{
    uint32_t width = *at++;
    for (int64_t done = 0; done < n;) {
        uint64_t header = read_varint(&at);
        uint32_t count = (uint32_t)(header >> 1);
        if (header & 1) {
            unpack_any(at, count * 8, width, codes + done);
            at += (uint64_t)count * width;
            done += (int64_t)count * 8;
        } else {
            uint16_t value = *at++;
            if (width > 8)
                value = (uint16_t)(value | *at++ << 8);
            for (uint32_t i = 0; i < count; i++)
                codes[done + i] = value;
            done += count;
        }
    }
}

typedef struct Scratch { /* of one thread */
    uint8_t *bytes;
    uint64_t capacity;
    uint16_t *codes[COLUMNS];
    uint32_t *entries[COLUMNS];
} Scratch;

static void read_column(const Group *group, int fd, int column, Scratch *scratch)
{
    uint64_t size = group->bytes[column];
    if (scratch->capacity < size + SLACK) {
        free(scratch->bytes);
        scratch->capacity = size + SLACK;
        scratch->bytes = malloc(scratch->capacity);
    }
    REQUIRE(pread(fd, scratch->bytes, size, (off_t)group->offset[column]) == (ssize_t)size);
    const uint8_t *at = scratch->bytes, *end = at + size;
    for (int64_t done = 0; at < end && done < group->rows;) {
        PageHeader header = {0};
        read_struct(&at, 0, &header);
        if (header.type == 2) {
            read_dictionary(column, at, header.values, scratch->entries[column]);
        } else {
            uint32_t levels;
            REQUIRE(header.type == 0);
            memcpy(&levels, at, 4); /* the definition levels: all are 1 */
            read_codes(at + 4 + levels, header.values, scratch->codes[column] + done);
            done += header.values;
        }
        at += header.bytes;
    }
}

static void aggregate(Cell *own, uint32_t n, Scratch *scratch)
{
    uint32_t *const *e = scratch->entries;
    uint16_t *const *c = scratch->codes;
    for (uint32_t i = 0; i < n; i++) {
        Cell *cell = own + (e[CARRIER][c[CARRIER][i]] << 5 | e[ORIGIN][c[ORIGIN][i]] << 3 | e[CITY][c[CITY][i]]);
        uint32_t delay = e[DELAY][c[DELAY][i]];
        cell->n++;
        cell->late += delay > 0;
        cell->delivered += e[STATUS][c[STATUS][i]];
        cell->delay += delay;
        cell->distance += e[DISTANCE][c[DISTANCE][i]];
        cell->transit += (int64_t)e[DELIVERED][c[DELIVERED][i]] - e[SHIPPED][c[SHIPPED][i]];
        cell->cents += e[COST][c[COST][i]];
    }
}

static void make_records(uint32_t n, Scratch *scratch)
{
    Record *record = records + atomic_fetch_add(&n_records, n);
    for (uint32_t i = 0; i < n; i++, record++) {
        uint64_t payload = 0;
        for (int f = 0; f < FIELDS; f++)
            payload |= (uint64_t)scratch->entries[FIELD_COLUMN[f]][scratch->codes[FIELD_COLUMN[f]][i]]
                       << FIELD_SHIFT[f];
        double cost = scratch->entries[COST][scratch->codes[COST][i]] / 100.0;
        double cost_per_km = cost / scratch->entries[DISTANCE][scratch->codes[DISTANCE][i]];
        memcpy(&record->key, &cost_per_km, 8);
        record->payload = payload;
    }
}

static void read_groups(int thread)
{
    static const bool AGGREGATE_NEEDS[COLUMNS] = {
        [CARRIER] = true, [ORIGIN] = true,   [CITY] = true,    [STATUS] = true,   [DELAY] = true,
        [COST] = true,    [DISTANCE] = true, [SHIPPED] = true, [DELIVERED] = true};
    static const bool SORT_NEEDS[COLUMNS] = {
        [CARRIER] = true, [COST] = true, [DISTANCE] = true, [WEIGHT] = true, [VOLUME] = true};
    Scratch scratch = {0};
    for (int column = 0; column < COLUMNS; column++) {
        scratch.codes[column] = malloc(sizeof(uint16_t) * (GROUP_ROWS + SLACK));
        scratch.entries[column] = malloc(sizeof(uint32_t) * MAX_ENTRIES);
    }
    for (uint32_t g; (g = atomic_fetch_add(&next_group, 1)) < n_groups;) {
        int fd = open(groups[g].path, O_RDONLY);
        REQUIRE(fd >= 0 && groups[g].rows <= GROUP_ROWS);
        for (int column = 0; column < COLUMNS; column++)
            if ((aggregating && AGGREGATE_NEEDS[column]) || (sorting && SORT_NEEDS[column]))
                read_column(&groups[g], fd, column, &scratch);
        close(fd);
        if (aggregating)
            aggregate(cells[thread], groups[g].rows, &scratch);
        if (sorting)
            make_records(groups[g].rows, &scratch);
    }
}

static uint32_t bucket_of(const Record *record)
{
    return (uint32_t)((record->key - lowest_key) >> key_shift);
}

/* One counting sort by the highest bits into `scattered`, all threads together. */
static void scatter(int thread)
{
    uint64_t first = n_rows * (uint64_t)thread / (uint64_t)n_threads;
    uint64_t end = n_rows * (uint64_t)(thread + 1) / (uint64_t)n_threads;
    uint64_t *own = positions[thread];
    for (uint64_t i = first; i < end; i++)
        own[bucket_of(&records[i])]++;
    pthread_barrier_wait(&barrier);
    if (thread == 0) {
        uint64_t at = 0;
        for (int b = 0; b < BUCKETS; b++) {
            bucket_start[b] = at;
            for (int t = 0; t < n_threads; t++) {
                uint64_t count = positions[t][b];
                positions[t][b] = at;
                at += count;
            }
        }
        bucket_start[BUCKETS] = at;
    }
    pthread_barrier_wait(&barrier);
    for (uint64_t i = first; i < end; i++)
        scattered[own[bucket_of(&records[i])]++] = records[i];
}

/* Three passes of 8 bits below the bucket's, then insertion for what is still equal there. */
static void sort_bucket(Record *bucket, Record *spare, uint64_t n)
{
    uint32_t low = key_shift > 24 ? key_shift - 24 : 0;
    uint32_t counts[3][256] = {0};
    for (uint64_t i = 0; i < n; i++)
        for (uint32_t pass = 0; pass < 3; pass++)
            counts[pass][(bucket[i].key - lowest_key) >> (low + 8 * pass) & 255]++;
    Record *from = bucket, *to = spare;
    for (uint32_t pass = 0; pass < 3; pass++) {
        uint32_t at = 0;
        for (int i = 0; i < 256; i++) {
            uint32_t count = counts[pass][i];
            counts[pass][i] = at;
            at += count;
        }
        for (uint64_t i = 0; i < n; i++)
            to[counts[pass][(from[i].key - lowest_key) >> (low + 8 * pass) & 255]++] = from[i];
        Record *swap = from;
        from = to;
        to = swap;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t j = i;
        for (; j > 0 && bucket[j - 1].key > from[i].key; j--)
            bucket[j] = bucket[j - 1];
        bucket[j] = from[i];
    }
}

static void sort_buckets(void)
{
    uint64_t capacity = 0;
    Record *spare = NULL;
    for (uint32_t b; (b = atomic_fetch_add(&next_bucket, 1)) < BUCKETS;) {
        uint64_t n = bucket_start[b + 1] - bucket_start[b];
        if (n > capacity) {
            free(spare);
            capacity = n * 2;
            spare = malloc(sizeof(Record) * capacity);
        }
        if (n > 1)
            sort_bucket(scattered + bucket_start[b], spare, n);
    }
    free(spare);
}

static uint64_t pack_field(const Record *rows, uint32_t n, int field, uint8_t *out)
{
    uint64_t mask = (1ull << FIELD_BITS[field]) - 1, pending = 0;
    uint32_t bits = 0;
    uint8_t *at = out;
    for (uint32_t i = 0; i < n; i++) {
        pending |= (rows[i].payload >> FIELD_SHIFT[field] & mask) << bits;
        bits += FIELD_BITS[field];
        if (bits >= 32) {
            memcpy(at, &pending, 4);
            at += 4;
            pending >>= 32;
            bits -= 32;
        }
    }
    memcpy(at, &pending, 8);
    return (uint64_t)(at - out) + (bits + 7) / 8;
}

static void write_rows(void)
{
    uint8_t *packed = malloc((size_t)GROUP_ROWS * 16 + (GROUP_ROWS / PAGE_ROWS) * FIELDS * 8);
    for (uint64_t g; (g = atomic_fetch_add(&next_output, 1)) * GROUP_ROWS < n_rows;) {
        uint64_t first = g * GROUP_ROWS, end = first + GROUP_ROWS < n_rows ? first + GROUP_ROWS : n_rows, size = 0;
        for (uint64_t page = first; page < end; page += PAGE_ROWS) {
            uint32_t n = (uint32_t)(end - page < PAGE_ROWS ? end - page : PAGE_ROWS);
            for (int field = 0; field < FIELDS; field++)
                size += pack_field(scattered + page, n, field, packed + size);
            for (uint32_t i = 0; i < n; i++, size += 8)
                memcpy(packed + size, &scattered[page + i].key, 8);
        }
        REQUIRE(pwrite(output, packed, size, (off_t)atomic_fetch_add(&output_bytes, size)) == (ssize_t)size);
    }
    free(packed);
}

static void *work(void *number)
{
    int thread = (int)(intptr_t)number;
    read_groups(thread);
    if (sorting) {
        pthread_barrier_wait(&barrier);
        scatter(thread);
        pthread_barrier_wait(&barrier);
        sort_buckets();
        pthread_barrier_wait(&barrier);
        write_rows();
    }
    return NULL;
}

static void load_index(const char *path)
{
    static const char *const NAMES[COLUMNS] = {[CARRIER] = "carrier",
                                               [ORIGIN] = "origin_warehouse",
                                               [CITY] = "destination_city",
                                               [STATUS] = "delivery_status",
                                               [DELAY] = "delay_days",
                                               [COST] = "shipping_cost",
                                               [DISTANCE] = "route_distance_km",
                                               [SHIPPED] = "shipment_date",
                                               [DELIVERED] = "delivery_date",
                                               [WEIGHT] = "shipment_weight_kg",
                                               [VOLUME] = "shipment_volume_m3"};
    FILE *file = fopen(path, "r");
    REQUIRE(file);
    char line[4096];
    while (fgets(line, sizeof line, file)) {
        char *word = strchr(line, ' ');
        REQUIRE(word);
        *word++ = '\0';
        if (strcmp(line, "group") == 0) {
            char *end;
            groups = realloc(groups, sizeof(Group) * (n_groups + 1));
            Group *group = &groups[n_groups++];
            group->rows = (uint32_t)strtoul(word, &end, 10);
            end[strcspn(end, "\n")] = '\0';
            group->path = strdup(end + 1);
            n_rows += group->rows;
        }
        for (int column = 0; n_groups > 0 && column < COLUMNS; column++)
            if (strcmp(line, NAMES[column]) == 0) {
                groups[n_groups - 1].offset[column] = strtoull(word, &word, 10);
                groups[n_groups - 1].bytes[column] = strtoull(word, NULL, 10);
            }
    }
    fclose(file);
}

static void prepare_sort(void)
{
    double lowest = 0.005, highest = 0.5; /* USD a km, of the generator's distributions */
    uint64_t highest_key;
    memcpy(&lowest_key, &lowest, 8);
    memcpy(&highest_key, &highest, 8);
    while ((highest_key - lowest_key) >> key_shift >= BUCKETS)
        key_shift++;
    size_t bytes = sizeof(Record) * n_rows;
    records = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    scattered = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(records != MAP_FAILED && scattered != MAP_FAILED);
    madvise(records, bytes, MADV_HUGEPAGE);
    madvise(scattered, bytes, MADV_HUGEPAGE);
}

static void report(void)
{
    Cell sum = {0};
    for (int t = 0; t < n_threads; t++)
        for (int i = 0; i < 256; i++) {
            sum.n += cells[t][i].n;
            sum.late += cells[t][i].late;
            sum.cents += cells[t][i].cents;
            sum.transit += cells[t][i].transit;
        }
    REQUIRE((uint64_t)sum.n == n_rows);
    printf("%lld rows, %lld late, %lld days, %lld cents\n", (long long)sum.n, (long long)sum.late,
           (long long)sum.transit, (long long)sum.cents);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 4);
    aggregating = strcmp(argv[2], "sort") != 0;
    sorting = strcmp(argv[2], "aggregates") != 0;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    n_threads = online < MAX_THREADS ? (int)online : MAX_THREADS;
    load_index(argv[1]);
    output = open(argv[3], O_CREAT | O_TRUNC | O_WRONLY, 0644);
    REQUIRE(output >= 0 && n_rows > 0);
    pthread_barrier_init(&barrier, NULL, (unsigned)n_threads);
    if (sorting)
        prepare_sort();
    pthread_t threads[MAX_THREADS];
    for (int t = 1; t < n_threads; t++)
        REQUIRE(pthread_create(&threads[t], NULL, work, (void *)(intptr_t)t) == 0);
    work(NULL);
    for (int t = 1; t < n_threads; t++)
        pthread_join(threads[t], NULL);
    for (uint64_t i = 1; sorting && i < n_rows; i += 997)
        REQUIRE(scattered[i - 1].key <= scattered[i].key);
    if (aggregating)
        report();
    return 0;
}
