/* Training on rows that lie with the ranks of an MPI program: every rank counts its file, MPI adds the sums, rank 0
 * trains and writes the model.
 *
 *     mpicc mpi_sums.c -o mpi_sums $(pkg-config --cflags --libs flip)
 *     mpirun -n 2 ./mpi_sums schema.json model.flip.h5 part0.csv part1.csv
 *
 * Sums are as secret as the rows: the network between the ranks must be one that rows may travel on. */
#include <flip.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static flip_error err;

#define OK(call) do { if ((call) != FLIP_OK) { fprintf(stderr, "%s\n", err.message); MPI_Abort(MPI_COMM_WORLD, 1); } \
    } while (0)

static char *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long end;
    if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0) MPI_Abort(MPI_COMM_WORLD, 1);
    rewind(file);
    text = malloc((size_t)end + 1);
    if (!text || fread(text, 1, (size_t)end, file) != (size_t)end) MPI_Abort(MPI_COMM_WORLD, 1);
    fclose(file);
    *size = (size_t)end;
    return text;
}

/* Rank 0: the next ask, or one of size 0 when no more rows are needed. */
static unsigned char *next_ask(flip_trainer *trainer, int ranks, uint64_t *size) {
    flip_buffer *ask = NULL;
    unsigned char *bytes;
    OK(flip_trainer_ask(trainer, ranks, &ask, &err));
    *size = flip_buffer_size(ask);
    bytes = malloc(*size + 1);
    memcpy(bytes, flip_buffer_data(ask), *size);
    flip_buffer_free(ask);
    return bytes;
}

int main(int count, char **arguments) {
    flip_trainer *trainer = NULL;
    int rank, ranks;
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (count != 3 + ranks) {
        if (rank == 0) fprintf(stderr, "usage: mpi_sums SCHEMA MODEL FILE... (one file a rank)\n");
        MPI_Finalize();
        return 2;
    }
    if (rank == 0) {
        flip_schema *schema = NULL;
        flip_plan *plan = NULL;
        size_t size = 0;
        char *json = read_all(arguments[1], &size);
        const char *more = getenv("FLIP_CONFIG");
        OK(flip_schema_parse(json, size, &schema, &err));
        OK(flip_plan_create(schema, more ? more : "{\"epsilon\": 2, \"delta\": 1e-6}", &plan, &err));
        OK(flip_trainer_create_remote(plan, NULL, &trainer, &err));
        flip_plan_free(plan); flip_schema_free(schema); free(json);
    }
    for (;;) {
        uint64_t size = 0, *words = NULL;
        size_t n = 0;
        flip_sums *sums = NULL;
        unsigned char *ask = rank == 0 ? next_ask(trainer, ranks, &size) : NULL;
        MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
        if (size == 0) { free(ask); break; }
        if (rank != 0) ask = malloc(size);
        MPI_Bcast(ask, (int)size, MPI_BYTE, 0, MPI_COMM_WORLD);
        OK(flip_sums_create(ask, size, &sums, &err));
        OK(flip_sums_add_csv(sums, rank, arguments[3 + rank], NULL, NULL, NULL, &err));
        OK(flip_sums_words(sums, &words, &n, &err));                     /* unsigned, modulo 2^64: a plain sum */
        MPI_Reduce(rank == 0 ? MPI_IN_PLACE : words, words, (int)n, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
        if (rank == 0) OK(flip_trainer_answer(trainer, sums, NULL, &err));
        flip_sums_free(sums);                                            /* wipes */
        free(ask);
    }
    if (rank == 0) {                                                     /* nothing needs rows from here on */
        flip_progress progress;
        flip_model *model = NULL;
        progress.size = sizeof progress;
        do OK(flip_trainer_step(trainer, 0, 0, &progress, &err)); while (progress.step < progress.total);
        OK(flip_trainer_finish(trainer, &model, &err));
        OK(flip_model_save(model, arguments[2], &err));
        flip_trainer_free(trainer); flip_model_free(model);
        printf("%s\n", arguments[2]);
    }
    MPI_Finalize();
    return 0;
}
