// What jemalloc reads when the program starts (jemalloc(3), TUNING). Memory that queries needed
// goes back to the system within seconds, by a thread of jemalloc's own: nobody who allocates pays
// for it, and it happens while the server is idle too.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:2000,muzzy_decay_ms:0";
}
