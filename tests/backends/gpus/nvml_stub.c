/* A driver library without a driver: NVML's calls answered from a text file, re-read at each call.
 *
 * The file named by NVML_STUB holds lines `key=value`. A key of device 0 is `0.total`, of its second
 * MIG device `0.mig1.total`. `err.CALL=15` makes a call fail on every device, `0.err.CALL=15` on one;
 * `delay_ms.CALL=400` makes it slow until the key is gone, and with
 * `stubborn=1` beside it for good; `crash.CALL=1` ends the process with SIGSEGV. Processes are `0.procs=4711:72000000000,4712:na`.
 * With `follow=/proc` only processes that live in that process file system are listed, and what is
 * used is what those hold together, beside `0.used`.
 * Built with -DOLD_DRIVER, the symbols that old drivers lack are absent.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
typedef unsigned long long u64;
typedef struct { char prefix[32]; } Device;
typedef struct { u64 total, free, used; } MemoryV1;
typedef struct { unsigned version; u64 total, reserved, free, used; } MemoryV2;
typedef struct { unsigned pid; u64 used; unsigned gpu_instance, compute_instance; } Process;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned version, sensor; int celsius; } Temperature;
typedef struct {
    char legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
} Pci;

static Device cards[16], slices[16][8];

static int look_up(const char *key, char *value, size_t size) {
    const char *path = getenv("NVML_STUB");
    FILE *file = path ? fopen(path, "r") : 0;
    char line[1024];
    int found = 0;
    size_t length = strlen(key);
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

static int text(Device *device, const char *name, char *value, size_t size) {
    char key[128];
    snprintf(key, sizeof key, "%s.%s", device->prefix, name);
    return look_up(key, value, size);
}

static u64 number(Device *device, const char *name, u64 otherwise) {
    char value[64];
    return text(device, name, value, sizeof value) ? strtoull(value, 0, 0) : otherwise;
}

static int arrive(Device *device, const char *call) {
    char key[128], value[64];
    snprintf(key, sizeof key, "delay_ms.%s", call);
    int stubborn = look_up("stubborn", value, sizeof value);
    for (unsigned slept = 0; look_up(key, value, sizeof value); slept += 20) {
        if (stubborn) pause();
        if (slept >= strtoul(value, 0, 10)) break;
        usleep(20000);
    }
    snprintf(key, sizeof key, "crash.%s", call);
    if (look_up(key, value, sizeof value)) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    snprintf(key, sizeof key, "err.%s", call);
    if (look_up(key, value, sizeof value)) return atoi(value);
    return device && text(device, key, value, sizeof value) ? atoi(value) : OK;
}

#define ARRIVE(device) do { int e = arrive(device, __func__); if (e) return e; } while (0)

/* Tell whether the driver still counts a process, which it knows by the host's number. */
static int lives(unsigned long pid) {
    char proc[256], path[300];
    if (!look_up("follow", proc, sizeof proc)) return 1;
    snprintf(path, sizeof path, "%s/%lu/stat", proc, pid);
    FILE *file = fopen(path, "r");
    char state = 'X';
    if (!file) return 0;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'X';
    fclose(file);
    return state != 'Z' && state != 'X';
}

static u64 used_by_the_living(Device *device) {
    char value[1024], *rest = value, *entry;
    u64 sum = number(device, "used", 0);
    if (!look_up("follow", value, sizeof value)) return sum;
    if (!text(device, "procs", value, sizeof value)) return sum;
    while ((entry = strsep(&rest, ","))) {
        char *used = strchr(entry, ':');
        if (used && lives(strtoul(entry, 0, 10))) sum += strtoull(used + 1, 0, 10);
    }
    return sum;
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    ARRIVE(0);
    for (int i = 0; i < 16; i++) {
        snprintf(cards[i].prefix, sizeof cards[i].prefix, "%d", i);
        for (int j = 0; j < 8; j++)
            snprintf(slices[i][j].prefix, sizeof slices[i][j].prefix, "%d.mig%d", i, j);
    }
    return OK;
}

int nvmlShutdown(void) { ARRIVE(0); return OK; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    char value[64];
    ARRIVE(0);
    *count = look_up("count", value, sizeof value) ? strtoul(value, 0, 10) : 0;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device) {
    *device = &cards[index];
    ARRIVE(*device);
    return OK;
}

int nvmlDeviceGetUUID(Device *device, char *uuid, unsigned size) {
    ARRIVE(device);
    return text(device, "uuid", uuid, size) ? OK : NOT_SUPPORTED;
}

int nvmlDeviceGetName(Device *device, char *name, unsigned size) {
    ARRIVE(device);
    return text(device, "name", name, size) ? OK : NOT_SUPPORTED;
}

int nvmlDeviceGetPciInfo_v3(Device *device, Pci *pci) {
    ARRIVE(device);
    memset(pci, 0, sizeof *pci);
    return text(device, "bus_id", pci->bus_id, sizeof pci->bus_id) ? OK : NOT_SUPPORTED;
}

int nvmlDeviceGetMemoryInfo(Device *device, MemoryV1 *memory) {
    ARRIVE(device);
    memory->total = number(device, "total", 0);
    memory->used = used_by_the_living(device) + number(device, "reserved", 0);
    memory->free = memory->total - memory->used;
    return OK;
}

int nvmlDeviceGetUtilizationRates(Device *device, Utilization *rates) {
    ARRIVE(device);
    rates->gpu = number(device, "busy", 0);
    rates->memory = 0;
    return OK;
}

int nvmlDeviceGetPowerUsage(Device *device, unsigned *milliwatts) {
    ARRIVE(device);
    *milliwatts = number(device, "power_mw", 0);
    return OK;
}

int nvmlDeviceGetTemperature(Device *device, unsigned sensor, unsigned *celsius) {
    (void)sensor;
    ARRIVE(device);
    *celsius = number(device, "celsius", 0);
    return OK;
}

int nvmlDeviceGetMigMode(Device *device, unsigned *current, unsigned *pending) {
    ARRIVE(device);
    *current = *pending = number(device, "migs", 0) > 0;
    return OK;
}

int nvmlDeviceGetMaxMigDeviceCount(Device *device, unsigned *count) {
    ARRIVE(device);
    *count = 7;
    return OK;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, unsigned index, Device **slice) {
    ARRIVE(device);
    if (index >= number(device, "migs", 0)) return NOT_FOUND;
    *slice = &slices[device - cards][index];
    return OK;
}

#ifndef OLD_DRIVER
int nvmlDeviceGetMemoryInfo_v2(Device *device, MemoryV2 *memory) {
    ARRIVE(device);
    memory->total = number(device, "total", 0);
    memory->used = used_by_the_living(device);
    memory->reserved = number(device, "reserved", 0);
    memory->free = memory->total - memory->used - memory->reserved;
    return OK;
}

int nvmlDeviceGetTemperatureV(Device *device, Temperature *temperature) {
    ARRIVE(device);
    temperature->celsius = number(device, "celsius", 0);
    return OK;
}

int nvmlDeviceGetCurrentClocksEventReasons(Device *device, u64 *bits) {
    ARRIVE(device);
    *bits = number(device, "throttle", 0);
    return OK;
}

static int list(Device *device, const char *name, unsigned *count, Process *processes) {
    char value[1024], *rest = value, *entry;
    unsigned room = *count, seen = 0;
    if (!text(device, name, value, sizeof value)) value[0] = 0;
    for (; (entry = strsep(&rest, ",")); seen++) {
        char *used = strchr(entry, ':');
        while (used && !lives(strtoul(entry, 0, 10)))
            used = (entry = strsep(&rest, ",")) ? strchr(entry, ':') : 0;
        if (!used) break;
        if (seen >= room || !processes) continue;
        memset(&processes[seen], 0, sizeof processes[seen]);
        processes[seen].pid = strtoul(entry, 0, 10);
        processes[seen].used = strcmp(used + 1, "na") ? strtoull(used + 1, 0, 10) : ~0ULL;
    }
    *count = seen;
    return seen > room ? INSUFFICIENT_SIZE : OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, unsigned *count, Process *processes) {
    ARRIVE(device);
    return list(device, "procs", count, processes);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(Device *device, unsigned *count, Process *processes) {
    ARRIVE(device);
    return list(device, "drawing", count, processes);
}
#endif
