/* SPDX-License-Identifier: Apache-2.0 */
/* What FFmpeg's releases call by different names. weft.ffmpeg is built with FFmpeg 5.1 to 9;
 * tools/elsewhere compiles it with the headers of each. */
#ifndef VERSIONS_H
#define VERSIONS_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

/* How long a frame is to be shown, in the stream's time base; 0: unknown. AVFrame.duration came
 * with FFmpeg 6.0 and pkt_duration left with 7.0. */
static inline int64_t clip_frame_duration(const AVFrame *f)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    return f->duration;
#else
    return f->pkt_duration;
#endif
}

/* The display matrix (nine int32_t) of a stream, which FFmpeg keeps; NULL: it has none. *n: its
 * bytes. Since FFmpeg 6.1 side data are the codec parameters'; av_stream_get_side_data left
 * with 8.0. */
static inline const uint8_t *clip_display_matrix(const AVStream *stream, size_t *n)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 30, 100)
    const AVCodecParameters *p = stream->codecpar;
    const AVPacketSideData  *side = av_packet_side_data_get(
         p->coded_side_data, p->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    *n = side != NULL ? side->size : 0;
    return side != NULL ? side->data : NULL;
#else
    *n = 0;
    return av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, n);
#endif
}

#endif
