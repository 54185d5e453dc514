package dev.copas.bench.servers;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.codec.string.StringDecoder;
import io.netty.handler.codec.string.StringEncoder;
import java.net.InetSocketAddress;

/** Netty with one event loop, which accepts too; the second argument is nio or epoll. */
public final class NettyServer {

  private record Transport(IoHandlerFactory handler, Class<? extends ServerChannel> channel) {

    static Transport named(String name) {
      return switch (name) {
        case "nio" -> new Transport(NioIoHandler.newFactory(), NioServerSocketChannel.class);
        case "epoll" -> {
          Epoll.ensureAvailability();
          yield new Transport(EpollIoHandler.newFactory(), EpollServerSocketChannel.class);
        }
        default -> throw new IllegalArgumentException("nio or epoll, not " + name);
      };
    }
  }

  private NettyServer() {}

  public static void main(String[] args) {
    boolean lines = Contract.isLines(args[0]);
    Transport transport = Transport.named(args[1]);
    EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, transport.handler);
    Channel server =
        new ServerBootstrap()
            .group(loop)
            .channel(transport.channel)
            .option(ChannelOption.SO_BACKLOG, Contract.BACKLOG)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(lines ? new LinesPipeline() : new RawPipeline())
            .bind(Contract.HOST, 0)
            .syncUninterruptibly()
            .channel();
    Contract.listensOn(((InetSocketAddress) server.localAddress()).getPort());
  }

  private static final class RawPipeline extends ChannelInitializer<Channel> {

    @Override
    protected void initChannel(Channel channel) {
      channel.pipeline().addLast(new RawEcho());
    }
  }

  private static final class LinesPipeline extends ChannelInitializer<Channel> {

    @Override
    protected void initChannel(Channel channel) {
      channel
          .pipeline()
          .addLast(
              new LineBasedFrameDecoder(Contract.MAX_LINE_BYTES),
              new StringDecoder(UTF_8),
              new StringEncoder(UTF_8),
              new LineEcho());
    }
  }

  /** Flushes once for all that one read has brought. */
  private abstract static class Echo extends ChannelInboundHandlerAdapter {

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.flush();
    }

    /** The client has gone without a word, or sends what is no line. */
    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // Nobody waits for the end.
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }

  private static final class RawEcho extends Echo {

    /** The very buffer goes back; Netty frees it when it is written. */
    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // A failed write shows with the next read.
    public void channelRead(ChannelHandlerContext context, Object bytes) {
      context.write(bytes);
    }
  }

  private static final class LineEcho extends Echo {

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // A failed write shows with the next read.
    public void channelRead(ChannelHandlerContext context, Object line) {
      context.write(line + "\n");
    }
  }
}
