/* simdjson On-Demand, the way its documentation does it where fields come in any
 * order: one pass over the root's fields, left when both are known. */
#include <cstdlib>
#include <simdjson.h>

#include "yard_json.h"

namespace {

using simdjson::ondemand::value;

bool read_time(value field, uint64_t &time)
{
    std::string_view text;

    if (field.get_string().get(text) == simdjson::SUCCESS) {
        time = strtoull(text.data(), nullptr, 10);
        return true;
    }
    if (field.get_uint64().get(time) == simdjson::SUCCESS)
        return true;
    double number;
    if (field.get_double().get(number) != simdjson::SUCCESS)
        return false;
    time = uint64_t(number);
    return true;
}

bool read_frame(simdjson::ondemand::parser &parser, const yard_line &line, uint64_t &sum)
{
    simdjson::padded_string_view bytes(line.bytes, line.size, line.size + YARD_PADDING);
    simdjson::ondemand::document document;
    simdjson::ondemand::object root;
    std::string_view user;
    uint64_t time = 0;
    bool has_user = false, has_time = false;

    if (parser.iterate(bytes).get(document) || document.get_object().get(root))
        return false;
    for (auto field : root) {
        simdjson::ondemand::raw_json_string key;

        if (field.key().get(key))
            return false;
        if (!has_user && key == "uid")
            has_user = field.value().get_string().get(user) == simdjson::SUCCESS;
        else if (!has_time && key == "ts")
            has_time = read_time(field.value(), time);
        if (has_user && has_time)
            break;
    }
    if (!has_user || !has_time)
        return false;
    sum += uint64_t(user[0]) + time;
    return true;
}

} // namespace

size_t yard_simdjson(const yard_line *lines, size_t count, uint64_t *sum)
{
    simdjson::ondemand::parser parser;
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += read_frame(parser, lines[i], *sum);
    return found;
}

const char *yard_simdjson_version(void)
{
    static const std::string version = std::string(SIMDJSON_VERSION) + " (" +
                                       simdjson::builtin_implementation()->name() + ")";

    return version.c_str();
}
