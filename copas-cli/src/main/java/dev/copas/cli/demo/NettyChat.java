package dev.copas.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.codec.string.StringDecoder;
import io.netty.handler.codec.string.StringEncoder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The same chat on Netty, with one event loop: as its users write one, but that a handler makes a
 * blocking call on the loop, which Netty's rules forbid.
 */
final class NettyChat implements ChatServer {

  private static final int MAX_LINE_BYTES = 64 * 1024;

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final Map<String, ChannelGroup> rooms = new HashMap<>();
  private final Backend backend;
  private final Channel server;

  NettyChat(Backend backend) {
    this.backend = backend;
    server =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .childHandler(new Pipeline())
            .bind("127.0.0.1", 0)
            .syncUninterruptibly()
            .channel();
  }

  private final class Pipeline extends ChannelInitializer<Channel> {

    @Override
    protected void initChannel(Channel channel) {
      channel
          .pipeline()
          .addLast(
              new LineBasedFrameDecoder(MAX_LINE_BYTES),
              new StringDecoder(UTF_8),
              new StringEncoder(UTF_8),
              new Member());
    }
  }

  @SuppressWarnings("FutureReturnValueIgnored") // Who is gone by then needs no message.
  private final class Member extends SimpleChannelInboundHandler<String> {

    private @Nullable ChannelGroup room;

    @Override
    protected void channelRead0(ChannelHandlerContext context, String line) throws IOException {
      if (room == null) {
        room = rooms.computeIfAbsent(line, absent -> new DefaultChannelGroup(context.executor()));
        room.add(context.channel());
      } else if (line.equals(ASK)) {
        context.writeAndFlush(ANSWER + backend.ask() + "\n");
      } else {
        room.writeAndFlush(line + "\n");
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }

  @Override
  public int port() {
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  @Override
  public Executor loop() {
    return server.eventLoop();
  }

  @Override
  public void close() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }
}
