/* Loaded before libc (LD_PRELOAD): counts what a program does to files below one folder,
 * and makes the N-th of these operations fail, or the last thing that the program does.
 *
 *   FAULTS_ROOT   the folder, without links in its path
 *   FAULTS_LOG    a file outside of it: one line for each operation, "kind<TAB>path"
 *   FAULTS_AT     which operation, from 1 (0 or not set: none)
 *   FAULTS_ERRNO  the error's number; "kill": SIGKILL for the whole process group
 *   FAULTS_STAY   "1": every later operation of a kind that writes fails, too, as on a full disk
 *   FAULTS_SHORT  "1": the write FAULTS_AT writes half of its bytes and says so, and the next write
 *                 fails, as on a disk that becomes full in the middle of a write
 *
 * Counted are: open (for reading or writing), write, fsync, rename, mkdir, link, truncate, unlink
 * (of files and folders). What a program asks the kernel for without libc, and what goes through
 * mapped memory, passes unseen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long count;
static const char *root, *log_path, *error_name;
static long at;
static int stay, shortens, error_number;
static atomic_int next_write_fails;

__attribute__((constructor)) static void begin(void) {
    root = getenv("FAULTS_ROOT");
    log_path = getenv("FAULTS_LOG");
    error_name = getenv("FAULTS_ERRNO");
    at = getenv("FAULTS_AT") ? atol(getenv("FAULTS_AT")) : 0;
    stay = getenv("FAULTS_STAY") != NULL && *getenv("FAULTS_STAY") == '1';
    shortens = getenv("FAULTS_SHORT") != NULL && *getenv("FAULTS_SHORT") == '1';
    error_number = error_name ? atoi(error_name) : 0;
}

static int below(const char *path) {
    size_t length = root ? strlen(root) : 0;
    return length && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static void note(const char *kind, const char *path) {
    char line[PATH_MAX + 64];
    if (!log_path) return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    int length = snprintf(line, sizeof line, "%s\t%s\n", kind, path);
    if (file >= 0) {
        syscall(SYS_write, file, line, (size_t)length);
        syscall(SYS_close, file);
    }
}

/* What `fails` says of a write that is to write half. */
enum { SHORT = 2 };

/* Whether this operation is to fail; errno is set then. */
static int fails(const char *kind, const char *path) {
    int before = errno;
    long number = atomic_fetch_add(&count, 1) + 1;
    note(kind, path);
    errno = before;
    if (!at || number < at) return 0;
    int first = number == at, writes = strcmp(kind, "write") == 0;
    int later = stay && strcmp(kind, "read") != 0;
    /* A full disk, or a process with too many open files, still removes a file. */
    if (strcmp(kind, "unlink") == 0 && (error_number == ENOSPC || error_number == EMFILE)) later = 0;
    if (writes && atomic_exchange(&next_write_fails, 0)) later = 1;
    if (!first && !later) return 0;
    if (first && shortens && writes) {
        atomic_store(&next_write_fails, 1);
        return SHORT;
    }
    if (error_name && strcmp(error_name, "kill") == 0) {
        kill(0, SIGKILL);
        pause();
    }
    errno = error_number;
    return 1;
}

/* The path that a name means, seen from a folder's descriptor. */
static int named(int folder, const char *name, char *path) {
    char base[PATH_MAX] = "", link[64];
    if (!name) return 0;
    if (*name == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return below(path);
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    snprintf(path, PATH_MAX, "%.2000s/%.2000s", base, name);
    return below(path);
}

static int opened(int file, char *path) {
    char link[64];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int fails_open(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    if (!root || !named(folder, name, path)) return 0;
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    return fails(writes ? "open" : "read", path);
}

#define OPEN(NAME)                                             \
    int NAME(const char *name, int flags, ...) {               \
        va_list rest;                                          \
        va_start(rest, flags);                                 \
        mode_t mode = (mode_t)va_arg(rest, int);               \
        va_end(rest);                                          \
        if (fails_open(AT_FDCWD, name, flags)) return -1;      \
        return REAL(NAME)(name, flags, mode);                  \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(NAME)                                           \
    int NAME(int folder, const char *name, int flags, ...) {   \
        va_list rest;                                          \
        va_start(rest, flags);                                 \
        mode_t mode = (mode_t)va_arg(rest, int);               \
        va_end(rest);                                          \
        if (fails_open(folder, name, flags)) return -1;        \
        return REAL(NAME)(folder, name, flags, mode);          \
    }
OPENAT(openat)
OPENAT(openat64)

static int fails_file(const char *kind, int file) {
    char path[PATH_MAX];
    return root && opened(file, path) ? fails(kind, path) : 0;
}

#define WRITES(file, whole, shorter, length)                    \
    switch (fails_file("write", file)) {                        \
    case 0: return whole;                                       \
    case SHORT:                                                 \
        if ((length) / 2) return shorter;                       \
        atomic_store(&next_write_fails, 0);                     \
        errno = error_number;                                   \
    }                                                           \
    return -1

ssize_t write(int file, const void *bytes, size_t length) {
    WRITES(file, REAL(write)(file, bytes, length), REAL(write)(file, bytes, length / 2), length);
}
ssize_t writev(int file, const struct iovec *parts, int count_of_parts) {
    size_t first = count_of_parts > 0 ? parts->iov_len : 0;
    WRITES(file, REAL(writev)(file, parts, count_of_parts),
           REAL(write)(file, parts->iov_base, first / 2), first);
}
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t from) {
    WRITES(file, REAL(pwrite64)(file, bytes, length, from),
           REAL(pwrite64)(file, bytes, length / 2, from), length);
}
/* Half of it is one byte: half of `length` may be more than the whole file. */
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
    WRITES(out, REAL(copy_file_range)(in, from, out, to, length, flags),
           REAL(copy_file_range)(in, from, out, to, 1, flags), length);
}
int ftruncate(int file, off_t length) {
    return fails_file("truncate", file) ? -1 : REAL(ftruncate)(file, length);
}
int ftruncate64(int file, off64_t length) {
    return fails_file("truncate", file) ? -1 : REAL(ftruncate64)(file, length);
}
int fsync(int file) {
    return fails_file("fsync", file) ? -1 : REAL(fsync)(file);
}
int fdatasync(int file) {
    return fails_file("fsync", file) ? -1 : REAL(fdatasync)(file);
}

static int fails_name(const char *kind, int folder, const char *name) {
    char path[PATH_MAX];
    return root && named(folder, name, path) && fails(kind, path);
}

int rename(const char *from, const char *to) {
    return fails_name("rename", AT_FDCWD, to) ? -1 : REAL(rename)(from, to);
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    return fails_name("rename", to_folder, to) ? -1 : REAL(renameat)(from_folder, from, to_folder, to);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    return fails_name("rename", to_folder, to) ? -1 : REAL(renameat2)(from_folder, from, to_folder, to, flags);
}
int mkdir(const char *name, mode_t mode) {
    return fails_name("mkdir", AT_FDCWD, name) ? -1 : REAL(mkdir)(name, mode);
}
int symlink(const char *target, const char *name) {
    return fails_name("link", AT_FDCWD, name) ? -1 : REAL(symlink)(target, name);
}
int unlink(const char *name) {
    return fails_name("unlink", AT_FDCWD, name) ? -1 : REAL(unlink)(name);
}
int unlinkat(int folder, const char *name, int flags) {
    return fails_name("unlink", folder, name) ? -1 : REAL(unlinkat)(folder, name, flags);
}
int rmdir(const char *name) {
    return fails_name("unlink", AT_FDCWD, name) ? -1 : REAL(rmdir)(name);
}
