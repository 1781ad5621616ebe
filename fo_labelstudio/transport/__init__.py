"""How the server gets to read media files, a module per way."""

from __future__ import annotations

from fo_labelstudio.transport import cloud, copied, local_files, upload

TRANSPORTS = {
    "upload": upload.TRANSPORT,  # files are copied to the server
    "local_files": local_files.TRANSPORT,  # the server reads the disk that it shares with this machine
    "cloud": cloud.TRANSPORT,  # they stay in a bucket or on a web server, which tasks carry the address of
    "copy": copied.TRANSPORT,  # files are copied beside the tasks that are written without a server
}
