/* A PKCS#11 module in front of SoftHSM2 that misbehaves on demand: it loads the real module, named by
 * SHIM_MODULE, and changes the few answers that SHIM asks for (words separated by commas). Behind it is a
 * real token, so that whatever the plugin makes of the faults is checked against real signatures.
 *
 * SHIM_LOG names a file to which one line is added per log-in, opened session, signature and C_Finalize. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef ulong_t (*call_t)();
/* CK_FUNCTION_LIST: a version and 68 functions in the order of the standard. */
struct list { unsigned char major, minor; call_t f[68]; };
struct mechanism { ulong_t type; void *parameter; ulong_t length; };

enum { INITIALIZE = 0, FINALIZE = 1, GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, GET_MECHANISM_LIST = 7, OPEN_SESSION = 12,
       CLOSE_SESSION = 13, LOGIN = 18, GET_ATTRIBUTES = 24, SIGN_INIT = 42, SIGN = 43 };
enum { CKR_DEVICE_REMOVED = 0x32, CKR_MECHANISM_PARAM_INVALID = 0x71, CKR_PIN_LOCKED = 0xA4, CKR_USER_ALREADY_LOGGED_IN = 0x100,
       CKR_SESSION_COUNT = 0xB1, CKR_SESSION_HANDLE_INVALID = 0xB3 };
enum { PROTECTED_PATH = 0x100, PIN_FINAL_TRY = 0x20000, PIN_LOCKED = 0x40000 };
/* Offset of `flags` in CK_TOKEN_INFO: two texts of 32 bytes and two of 16. */
enum { FLAGS_OFFSET = 96 };

static struct list *real, ours;
static int signatures;

static int asked(const char *word) {
    const char *all = getenv("SHIM");
    return all && strstr(all, word) != NULL;
}

static void note(const char *what, ulong_t detail) {
    const char *path = getenv("SHIM_LOG");
    FILE *log = path ? fopen(path, "a") : NULL;
    if (log) { fprintf(log, "%s %lu\n", what, detail); fclose(log); }
}

static void crash(void) { *(volatile int *)8 = 1; }
static void hang(void) { for (;;) pause(); }
static void noise(void) {
    if (asked("print")) { printf("the module says hello\n"); fflush(stdout); }
    if (asked("flood")) {
        static char lines[65536];
        memset(lines, '#', sizeof lines);
        for (int i = 0; i < 64; i++) (void)!write(1, lines, sizeof lines);
    }
}

__attribute__((constructor)) static void loaded(void) {
    noise();
    if (asked("crash-load")) crash();
}

static ulong_t initialize(void *arguments) {
    noise();
    if (asked("hang-initialize")) hang();
    return real->f[INITIALIZE](arguments);
}

static ulong_t finalize(void *reserved) {
    note("finalize", 0);
    if (asked("crash-finalize")) crash();
    return real->f[FINALIZE](reserved);
}

static ulong_t token_info(ulong_t slot, unsigned char *info) {
    ulong_t rv = real->f[GET_TOKEN_INFO](slot, info);
    ulong_t *flags = (ulong_t *)(info + FLAGS_OFFSET);
    if (asked("protected-path")) *flags |= PROTECTED_PATH;
    if (asked("final-try")) *flags |= PIN_FINAL_TRY;
    if (asked("locked")) *flags |= PIN_LOCKED;
    /* The clock of a token without one is undefined, and not always blank. */
    if (asked("strange-clock")) memset(info + 192, 0xff, 16);
    return rv;
}

static ulong_t slot_list(unsigned char with_token, ulong_t *slots, ulong_t *count) {
    if (asked("empty-slots") && with_token) { *count = 0; return 0; }
    return real->f[GET_SLOT_LIST](with_token, slots, count);
}

static int hidden(ulong_t mechanism) {
    if (mechanism == 0x1041 && asked("hash-and-sign-only")) return 1;
    if (mechanism == 0x0D && (asked("hash-and-sign-only") || asked("raw-rsa-only"))) return 1;
    if (mechanism >= 0x43 && mechanism <= 0x45 && asked("raw-rsa-only")) return 1;
    return (mechanism == 0x0D || mechanism == 0x03 || (mechanism >= 0x43 && mechanism <= 0x45)) && asked("no-pss");
}

static ulong_t mechanism_list(ulong_t slot, ulong_t *types, ulong_t *count) {
    ulong_t rv = real->f[GET_MECHANISM_LIST](slot, types, count);
    if (rv || !types) return rv;
    ulong_t kept = 0;
    for (ulong_t i = 0; i < *count; i++)
        if (!hidden(types[i])) types[kept++] = types[i];
    *count = kept;
    return 0;
}

static ulong_t open_session(ulong_t slot, ulong_t flags, void *application, void *notify, ulong_t *session) {
    static int opened;
    note("open", flags);
    if (asked("one-session") && opened++ > 0) return CKR_SESSION_COUNT;
    return real->f[OPEN_SESSION](slot, flags, application, notify, session);
}

static ulong_t login(ulong_t session, ulong_t user, char *pin, ulong_t length) {
    note("login", user);
    if (asked("refuse-login")) return CKR_PIN_LOCKED;
    if (asked("logged-in-before")) {
        real->f[LOGIN](session, user, pin, length);
        return CKR_USER_ALREADY_LOGGED_IN;
    }
    if (!pin && asked("protected-path")) {
        char *typed = getenv("SHIM_PIN_PAD");
        return real->f[LOGIN](session, user, typed, strlen(typed));
    }
    return real->f[LOGIN](session, user, pin, length);
}

/* CK_ATTRIBUTE, and CKA_KEY_TYPE among them. */
struct attribute { ulong_t type; void *value; ulong_t length; };

static ulong_t attributes(ulong_t session, ulong_t object, struct attribute *list, ulong_t count) {
    ulong_t rv = real->f[GET_ATTRIBUTES](session, object, list, count);
    for (ulong_t i = 0; i < count; i++)
        if (list[i].type == 0x100 && list[i].value && asked("strange-key-type")) *(ulong_t *)list[i].value = 0x7fff;
    return rv;
}

static ulong_t sign_init(ulong_t session, struct mechanism *mechanism, ulong_t key) {
    note("mechanism", mechanism->type);
    if (mechanism->type == 0x0D && asked("refuse-pss")) return CKR_MECHANISM_PARAM_INVALID;
    return real->f[SIGN_INIT](session, mechanism, key);
}

static ulong_t sign(ulong_t session, unsigned char *data, ulong_t length, unsigned char *signature, ulong_t *written) {
    noise();
    note("sign", 0);
    if (asked("crash-sign")) crash();
    if (asked("crash-third-sign") && ++signatures == 3) crash();
    if (asked("hang-sign")) hang();
    if (asked("remove")) return CKR_DEVICE_REMOVED;
    if (asked("lose-fifth-session") && __sync_add_and_fetch(&signatures, 1) == 5) {
        real->f[CLOSE_SESSION](session);
        return CKR_SESSION_HANDLE_INVALID;
    }
    if (asked("lose-session") && signatures++ == 0) {
        real->f[CLOSE_SESSION](session);
        return CKR_SESSION_HANDLE_INVALID;
    }
    if (asked("slow")) {
        static int at_work;
        if (__sync_add_and_fetch(&at_work, 1) > 1) note("overlap", 0);
        usleep(5000);
        __sync_sub_and_fetch(&at_work, 1);
    }
    ulong_t rv = real->f[SIGN](session, data, length, signature, written);
    if (!rv && signature && asked("flip")) signature[*written - 1] ^= 1;
    return rv;
}

ulong_t C_GetFunctionList(struct list **list) {
    ulong_t (*get)(struct list **);
    void *module = dlopen(getenv("SHIM_MODULE"), RTLD_NOW);
    if (!module) return 5;
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (get(&real)) return 5;
    ours = *real;
    ours.f[INITIALIZE] = (call_t)initialize;
    ours.f[FINALIZE] = (call_t)finalize;
    ours.f[GET_SLOT_LIST] = (call_t)slot_list;
    ours.f[GET_TOKEN_INFO] = (call_t)token_info;
    ours.f[GET_MECHANISM_LIST] = (call_t)mechanism_list;
    ours.f[OPEN_SESSION] = (call_t)open_session;
    ours.f[LOGIN] = (call_t)login;
    ours.f[GET_ATTRIBUTES] = (call_t)attributes;
    ours.f[SIGN_INIT] = (call_t)sign_init;
    ours.f[SIGN] = (call_t)sign;
    *list = &ours;
    return 0;
}
