/* AMD's library without a card: its structures are copied from files, its figures read from a text.
 *
 * The folder named by AMDSMI_LIBRARY holds `power.bin` and the like, laid out as one generation of
 * the library lays them out, and `state` with lines `key=value`: `vram_used=42`, and for a call
 * `delay_ms.CALL=400`, `crash.CALL=1` or `err.CALL=2`. What else a generation exports answers "not
 * supported"; those functions are listed in OTHERS.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, NOT_SUPPORTED = 2 };
typedef unsigned long long u64;
static int card;

static int look_up(const char *key, char *value, size_t size) {
    char path[512], line[512];
    int found = 0;
    size_t length = strlen(key);
    snprintf(path, sizeof path, "%s/state", getenv("AMDSMI_LIBRARY"));
    FILE *file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) == 0 && line[length] == '=') {
            line[strcspn(line, "\n")] = 0;
            snprintf(value, size, "%s", line + length + 1);
            found = 1;
        }
    }
    if (file) fclose(file);
    return found;
}

static int arrive(const char *call) {
    char key[128], value[64];
    snprintf(key, sizeof key, "delay_ms.%s", call);
    for (unsigned slept = 0; look_up(key, value, sizeof value); slept += 20) {
        if (slept >= strtoul(value, 0, 10)) break;
        usleep(20000);
    }
    snprintf(key, sizeof key, "crash.%s", call);
    if (look_up(key, value, sizeof value)) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    snprintf(key, sizeof key, "err.%s", call);
    return look_up(key, value, sizeof value) ? atoi(value) : OK;
}

#define ARRIVE() do { int e = arrive(__func__); if (e) return e; } while (0)

static int copy(const char *name, char *out) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.bin", getenv("AMDSMI_LIBRARY"), name);
    FILE *file = fopen(path, "rb");
    if (!file) return NOT_SUPPORTED;
    size_t size = fread(out, 1, 65536, file);
    fclose(file);
    return size > 0 ? OK : NOT_SUPPORTED;
}

static int figure(const char *kind, int type, u64 *out) {
    char key[64], value[64];
    snprintf(key, sizeof key, "%s_%s", type == 0 ? "vram" : type == 1 ? "visible" : "gtt", kind);
    if (!look_up(key, value, sizeof value)) return NOT_SUPPORTED;
    *out = strtoull(value, 0, 0);
    return OK;
}

static int word(const char *key, char *out, unsigned size) {
    return look_up(key, out, size) ? OK : NOT_SUPPORTED;
}

int amdsmi_init(u64 flags) { (void)flags; ARRIVE(); return OK; }
int amdsmi_shut_down(void) { return OK; }

int amdsmi_get_lib_version(char *version) {
    ARRIVE();
    static char build[] = "0";
    char *pointer = build;
    int result = copy("version", version);
    memcpy(version + 16, &pointer, sizeof pointer);
    return result;
}

int amdsmi_get_socket_handles(unsigned *count, void **handles) {
    ARRIVE();
    *count = 1;
    if (handles) handles[0] = &card;
    return OK;
}

int amdsmi_get_processor_handles(void *socket, unsigned *count, void **handles) {
    (void)socket;
    return amdsmi_get_socket_handles(count, handles);
}

int amdsmi_get_gpu_device_bdf(void *gpu, u64 *bdf) { (void)gpu; *bdf = 0xc1 << 8; return OK; }

int amdsmi_get_gpu_device_uuid(void *gpu, unsigned *length, char *uuid) {
    (void)gpu;
    return word("uuid", uuid, *length);
}

int amdsmi_get_gpu_asic_info(void *gpu, char *info) {
    (void)gpu;
    ARRIVE();
    return copy("asic", info);
}

int amdsmi_get_gpu_activity(void *gpu, char *info) {
    (void)gpu;
    ARRIVE();
    return copy("activity", info);
}

int amdsmi_get_power_info(void *gpu, char *info) {
    (void)gpu;
    ARRIVE();
    return copy("power", info);
}

int amdsmi_get_power_info_v2(void *gpu, unsigned sensor, char *info) {
    (void)sensor;
    return amdsmi_get_power_info(gpu, info);
}

int amdsmi_get_temp_metric(void *gpu, int sensor, int metric, u64 *out) {
    (void)gpu; (void)sensor; (void)metric;
    ARRIVE();
    char value[64];
    if (!look_up("celsius", value, sizeof value)) return NOT_SUPPORTED;
    *out = strtoull(value, 0, 0);
    return OK;
}

int amdsmi_get_gpu_memory_total(void *gpu, int type, u64 *out) {
    (void)gpu;
    ARRIVE();
    return figure("total", type, out);
}

int amdsmi_get_gpu_memory_usage(void *gpu, int type, u64 *out) {
    (void)gpu;
    ARRIVE();
    return figure("used", type, out);
}

int amdsmi_get_gpu_process_list(void *gpu, unsigned *count, char *list) {
    (void)gpu;
    ARRIVE();
    *count = 1;
    return copy("process", list);
}

int amdsmi_get_gpu_compute_partition(void *gpu, char *out, unsigned size) {
    (void)gpu;
    return word("compute_partition", out, size);
}

int amdsmi_get_gpu_memory_partition(void *gpu, char *out, unsigned size) {
    (void)gpu;
    return word("memory_partition", out, size);
}

int amdsmi_status_code_to_string(int status, const char **text) {
    (void)status;
    *text = "AMDSMI_STATUS_NOT_SUPPORTED";
    return OK;
}

#define OTHER(name) int name(void) { return NOT_SUPPORTED; }
#include "others.h"
