/* Results as lines of tab-separated sums: files of several runs add up. */
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>

void tally_add(struct tally *tally, const struct hc_estimate *estimate, double n, int is_sparse)
{
    double error = estimate->value / n - 1;

    tally->trials++;
    tally->sparse += is_sparse != 0;
    tally->error += error;
    tally->square += error * error;
    tally->claimed += estimate->error;
    tally->covered += estimate->low <= n && n <= estimate->high;
    tally->above += estimate->low > n;
}

void tally_print_head(void)
{
    printf("how\twhat\tprofile\tprecision\tn\ttrials\tsparse\terror\tsquare\tclaimed\tcovered\t"
           "above\n");
}

void tally_print(const struct tally_key *key, const struct tally *tally)
{
    printf("%s\t%s\t%s\t%u\t%.17g\t", key->how, key->what, key->profile, key->precision, key->n);
    printf("%" PRIu64 "\t%" PRIu64 "\t%.17g\t%.17g\t%.17g\t%" PRIu64 "\t%" PRIu64 "\n",
           tally->trials, tally->sparse, tally->error, tally->square, tally->claimed,
           tally->covered, tally->above);
    fflush(stdout);
}
