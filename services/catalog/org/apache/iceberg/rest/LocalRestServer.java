package org.apache.iceberg.rest;

import java.lang.reflect.Method;
import java.net.InetSocketAddress;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;

/**
 * The fixture's own start-up (RESTCatalogServer.start), but bound to 127.0.0.1: the original listens on all interfaces. Reads the
 * same CATALOG_* variables.
 */
public final class LocalRestServer {
  public static void main(String[] arguments) throws Exception {
    RESTCatalogServer fixture = new RESTCatalogServer();
    Method initialize = RESTCatalogServer.class.getDeclaredMethod("initializeBackendCatalog");
    initialize.setAccessible(true);
    RESTCatalogServer.CatalogContext context = (RESTCatalogServer.CatalogContext) initialize.invoke(fixture);

    ServletContextHandler handler = new ServletContextHandler();
    handler.addServlet(new ServletHolder(new RESTCatalogServlet(new RESTServerCatalogAdapter(context))), "/*");
    int port = Integer.parseInt(context.configuration().get("rest.port"));
    Server server = new Server(new InetSocketAddress("127.0.0.1", port));
    server.setHandler(handler);
    server.setStopAtShutdown(true);
    server.start();
    server.join();
  }

  private LocalRestServer() {}
}
