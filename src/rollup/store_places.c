#include "store_places.h"

#include <stdlib.h>
#include <string.h>

struct store_place {
    char *cluster, *topic; /* owned */
    int32_t partition;
    int64_t next;
    bool changed;
};

void store_places_free(struct store_places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        free(places->places[i].topic);
        free(places->places[i].cluster);
    }
    free(places->places);
    *places = (struct store_places){0};
}

static bool is_at(const struct store_place *place, const struct store_position *position)
{
    return place->partition == position->partition &&
           strcmp(place->topic, position->topic) == 0 &&
           strcmp(place->cluster, position->cluster) == 0;
}

/* NULL: it was not noted. */
static struct store_place *find(struct store_places *places, const struct store_position *position)
{
    if (places->last < places->count && is_at(&places->places[places->last], position))
        return &places->places[places->last];
    for (size_t i = 0; i < places->count; i++) {
        if (is_at(&places->places[i], position)) {
            places->last = i;
            return &places->places[i];
        }
    }
    return NULL;
}

static struct store_place *make(struct store_places *places, const struct store_position *position)
{
    struct store_place place = {.partition = position->partition};

    if (places->count == places->room) {
        size_t room = places->room * 2 + 16;
        struct store_place *larger = realloc(places->places, room * sizeof(larger[0]));

        if (!larger)
            return NULL;
        places->places = larger;
        places->room = room;
    }
    place.cluster = strdup(position->cluster);
    place.topic = strdup(position->topic);
    if (!place.cluster || !place.topic) {
        free(place.cluster);
        free(place.topic);
        return NULL;
    }
    places->places[places->count] = place;
    return &places->places[places->count++];
}

bool store_places_note(struct store_places *places, const struct store_position *position)
{
    struct store_place *place = find(places, position);

    if (!place)
        place = make(places, position);
    if (!place)
        return false;
    place->next = position->next;
    place->changed = true;
    return true;
}

bool store_places_know(struct store_places *places, struct store_position *position)
{
    const struct store_place *place = find(places, position);

    if (place)
        position->next = place->next;
    return place != NULL;
}

bool store_places_save(const struct store_places *places, struct store_file *file)
{
    for (size_t i = 0; i < places->count; i++) {
        const struct store_place *place = &places->places[i];
        const struct store_position position = {place->cluster, place->topic, place->partition,
                                                place->next};

        if (place->changed && !store_file_put_position(file, &position))
            return false;
    }
    return true;
}

void store_places_saved(struct store_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        places->places[i].changed = false;
}
