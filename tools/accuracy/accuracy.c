/* accuracy: measures what docs/ACCURACY.md says. Not installed.
 *
 * Prints tab-separated lines of sums; accuracy_plots.py adds up those of all
 * runs, and makes the plots and the tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "headcount/sketch.h"
#include "sweeps.h"
#include "tally.h"

static const char usage[] =
    "usage: accuracy MODE [-p PRECISION] [-t TRIALS] [-s SEED] [-n IDS_MAX]\n"
    "\n"
    "  simulated   sparse and dense sketches from one id to IDS_MAX\n"
    "  far         10^9 to 10^17 ids, and registers that are full\n"
    "  rivals      the dense estimator next to classic HyperLogLog and HyperLogLog++\n"
    "  real        ids through the public functions: added, united, folded\n"
    "  ids         numbered ids, by how they end and by the hash\n"
    "  words       how often within one standard error; two days compared\n"
    "\n"
    "  -p 4..18 (14)   -t at least 1 (1000)   -s any number (1)   -n at least 1 (1e8)\n"
    "\n"
    "Each run writes lines of sums to stdout; runs of different seeds add up.\n";

static const struct {
    const char *name;
    void (*run)(const struct sweep *sweep);
} modes[] = {
    {"simulated", sweep_simulated},
    {"far", sweep_far},
    {"rivals", sweep_rivals},
    {"real", sweep_real},
    {"ids", sweep_ids},
    {"words", sweep_words},
};

static int refuse(void)
{
    fputs(usage, stderr);
    return 2;
}

/* A number from `least` to `most`; 0 when `text` is none. */
static int number(const char *text, double least, double most, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= least && *value <= most;
}

static int read_options(int count, char **options, struct sweep *sweep)
{
    double value;
    int option;

    while ((option = getopt(count, options, "p:t:s:n:")) != -1) {
        if (option == 'p' && number(optarg, HC_PRECISION_MIN, HC_PRECISION_MAX, &value))
            sweep->precision = (unsigned)value;
        else if (option == 't' && number(optarg, 1, 1e12, &value))
            sweep->trials = (uint64_t)value;
        else if (option == 's' && number(optarg, 0, 1e15, &value))
            sweep->seed = (uint64_t)value;
        else if (option == 'n' && number(optarg, 1, 1e12, &value))
            sweep->n_max = value;
        else
            return 0;
    }
    return optind == count;
}

int main(int count, char **arguments)
{
    struct sweep sweep = {.precision = 14, .trials = 1000, .seed = 1, .n_max = 1e8};

    if (count < 2 || !read_options(count - 1, arguments + 1, &sweep))
        return refuse();
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(arguments[1], modes[i].name) == 0) {
            if (modes[i].run == sweep_rivals && sweep.precision < 7)
                return refuse(); /* the constant of the raw estimate is another */
            tally_print_head();
            modes[i].run(&sweep);
            return EXIT_SUCCESS;
        }
    }
    return refuse();
}
