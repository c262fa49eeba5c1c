#!/bin/sh
# Measures all that docs/ACCURACY.md says, then makes its plots and tables.
#
#   measure.sh ACCURACY FOLDER     ACCURACY is the program, as build/bin/accuracy
#
# Takes about half an hour of one processor. What FOLDER holds already is
# not measured again: stop it and go on at will, or put results of other seeds
# there (any *.tsv) to make the figures more certain.
set -eu
[ $# -eq 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
program=$1 folder=$2
here=$(dirname "$0")
mkdir -p "$folder"

run() {
    mode=$1 precision=$2 trials=$3
    shift 3
    file=$folder/$mode-$precision.tsv
    [ -e "$file" ] && return
    nice -n 15 "$program" "$mode" -p "$precision" -t "$trials" "$@" > "$file.part"
    mv "$file.part" "$file"
}

# Bias known to 0.005 % from p = 12 on, where it is a goal, and 15,000 trials or
# more for coverage; the precisions between get what is left of the time.
run simulated 12 105000
run simulated 14 26000
run simulated 16 15000
run simulated 18 1700
run simulated 4 200000
run simulated 6 200000
run simulated 8 200000
run simulated 10 100000
run rivals 14 10000 -s 2
run words 14 5000
run words 16 3000
run ids 12 4000
run ids 14 1000
run far 4 100000
run far 10 20000
run real 12 1000 -n 20000
run real 14 120 -n 70000
run real 5 4000
run simulated 5 60000
run simulated 7 60000
run simulated 9 60000
run simulated 11 30000
run simulated 13 6000
run simulated 15 3000
run simulated 17 1000
exec python3 -B "$here/accuracy_plots.py" "$folder" "$here/../../docs"
